#include "engine/base/fail_point.h"

#include <gtest/gtest.h>

#include <csignal>

#include "engine/base/sim_fail_points.h"

namespace weir {
namespace {

class FailPointTest : public testing::Test {
 protected:
  void TearDown() override { SetFailPoints(nullptr); }
  int crashes_ = 0;
  SimFailPoints points_{[this] { ++crashes_; }};
};

TEST_F(FailPointTest, NothingInstalledDoesNothing) {
  WEIR_SIM_POINT("a");
  EXPECT_FALSE(WEIR_PLANTED_BUG("b"));
}

TEST_F(FailPointTest, CountsInOrder) {
  SetFailPoints(&points_);
  points_.PlantBug("B-1");
  WEIR_SIM_POINT("b");
  WEIR_SIM_POINT("a");
  WEIR_SIM_POINT("b");
  EXPECT_TRUE(WEIR_PLANTED_BUG("B-1"));
  EXPECT_FALSE(WEIR_PLANTED_BUG("B-2"));
  EXPECT_EQ(points_.total(), 3u);
  EXPECT_EQ(points_.counts().at("b"), 2u);
  EXPECT_EQ(points_.order(), (std::vector<std::string_view>{"b", "a", "b"}));
}

TEST_F(FailPointTest, CrashesAtTheHitAskedFor) {
  points_.CrashAtHit(2);
  points_.Hit("a");
  EXPECT_FALSE(points_.crashed());
  points_.Hit("b");
  EXPECT_TRUE(points_.crashed());
  EXPECT_EQ(points_.crashed_at(), "b");
  points_.Hit("c");
  EXPECT_EQ(points_.total(), 2u) << "a dead process hits nothing";
  EXPECT_EQ(crashes_, 1);

  points_.Revive();
  points_.CrashAt("c", 2);
  for (const char* point : {"c", "a", "a"}) points_.Hit(point);
  EXPECT_FALSE(points_.crashed());
  points_.Hit("c");
  EXPECT_EQ(crashes_, 2);
}

TEST(KillPointsDeathTest, KillsAtTheHit) {
  const auto run = [](const char* spec, int hits) {
    SetFailPoints(NewKillPoints(spec).value().release());
    for (int i = 0; i < hits; ++i) WEIR_SIM_POINT("log.append");
    WEIR_SIM_POINT("other");
    exit(3);
  };
  EXPECT_EXIT(run("log.append", 1), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(run("log.append:3", 3), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(run("log.append:3", 2), testing::ExitedWithCode(3), "");
}

TEST(KillPointsTest, BadSpecsAreRefused) {
  for (const char* spec : {"", ":1", "a:0", "a:x", "a:"}) {
    EXPECT_EQ(ErrorNumber(NewKillPoints(spec).status()), 1012) << spec;
  }
}

}  // namespace
}  // namespace weir
