#include "operators/aggregate/running_count.h"

#include <gtest/gtest.h>

#include "tests/unit/operators_aggregate/operator_rig.h"

namespace weir {
namespace {

using Ints = std::vector<int64_t>;

OperatorRig Rig(OptionTexts more = {}) {
  OptionTexts options = {{"key", {"src_ip"}}};
  options.insert(options.end(), more.begin(), more.end());
  return OperatorRig(MakeRunningCountType(), options);
}

TEST(RunningCount, TellsEveryRowHowManyMatchedSoFar) {
  OperatorRig rig = Rig({{"where", {"kind == 'accepted'"}}, {"as", {"accepted"}}});
  rig.Process({{"a", 1}, {"a", 2, "accepted"}, {"b", 3}, {"a", 4}, {"a", 5, "accepted"}});
  EXPECT_EQ(rig.TakeInts("accepted"), (Ints{0, 1, 0, 1, 2}));
  rig.Process({{"b", 6, "accepted"}, {"a", 7}});
  EXPECT_EQ(rig.TakeInts("accepted"), (Ints{1, 2}));
  EXPECT_EQ(rig.table("count")->size(), 2u);
}

TEST(RunningCount, CanLeaveOutTheRowItself) {
  OperatorRig rig = Rig({{"include_current", {"false"}}});
  rig.Process({{"a", 1}, {"a", 2}, {"b", 3}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{0, 1, 0}));
}

TEST(RunningCount, KeysThatNeverMatchTakeNoState) {
  OperatorRig rig = Rig({{"where", {"kind == 'accepted'"}}});
  rig.Process({{"a", 1}, {"b", 2}, {std::nullopt, 3}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{0, 0, 0}));
  EXPECT_EQ(rig.table("count")->size(), 0u);
}

TEST(RunningCount, SurvivesARestore) {
  OperatorRig rig = Rig();
  rig.Process({{"a", 1}, {"a", 2}});
  rig.SnapshotRestore();
  rig.Process({{"a", 3}, {std::nullopt, 4}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{1, 2, 3, 1}));
}

TEST(RunningCount, RefusesAnUnusableKey) {
  const auto errors = OperatorRig::PlanErrorsOf(MakeRunningCountType(), {{"key", {}}});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0], "key: WEIR-1021: key names no field");
}

}  // namespace
}  // namespace weir
