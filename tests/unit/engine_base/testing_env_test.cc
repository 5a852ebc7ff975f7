#include "engine/base/testing_env.h"

#include <gtest/gtest.h>

#include "engine/base/mailbox.h"

namespace weir {
namespace {

TEST(TestEnvTest, WorksRunWhenAskedAndWhenDue) {
  TestEnv test;
  std::vector<int> order;
  test.env().io->SubmitAfter(20, [&] { order.push_back(20); });
  test.env().io->SubmitAfter(10, [&] { order.push_back(10); });
  test.env().io->Submit([&] {
    order.push_back(0);
    test.env().io->Submit([&] { order.push_back(1); });
  });
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(test.RunPending(), 2u);
  EXPECT_EQ(test.io.pending(), 2u);
  test.AdvanceMs(30);
  EXPECT_EQ(test.RunPending(), 2u);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 10, 20}));
}

TEST(TestEnvTest, SlotsMailboxesAndWorksTogether) {
  struct Echo : public SlotWork {
    explicit Echo(const Env& e) : env(e), mailbox(e.scheduler->WakerFor(0)) {}
    bool RunTurn() override {
      ++turns;
      return mailbox.RunAll() > 0;
    }
    int64_t NextDeadlineNs() override { return deadline_ns; }
    const Env& env;
    Mailbox mailbox;
    int turns = 0;
    int64_t deadline_ns = kNeverNs;
  };
  TestEnv test;
  Echo echo(test.env());
  test.env().scheduler->Start(0, "echo", &echo);
  bool got = false;
  test.env().io->Submit([&] { echo.mailbox.handle().Post([&] { got = true; }); });
  test.RunUntilIdle();
  EXPECT_TRUE(got);

  const int turns = echo.turns;
  EXPECT_EQ(test.RunUntilIdle(), 0u);
  echo.deadline_ns = test.clock.MonoNs() + 5'000'000;
  test.env().scheduler->WakerFor(0)->Wake();
  EXPECT_EQ(test.RunUntilIdle(), 1u);
  test.AdvanceMs(5);
  echo.deadline_ns = kNeverNs;
  EXPECT_EQ(test.RunUntilIdle(), 1u);
  EXPECT_EQ(echo.turns, turns + 2);
  test.scheduler.Stop();
}

TEST(TestEnvTest, TrueMeansAgain) {
  struct Countdown : public SlotWork {
    bool RunTurn() override { return --left > 0; }
    int64_t NextDeadlineNs() override { return kNeverNs; }
    int left = 5;
  } countdown;
  TestEnv test;
  test.env().scheduler->Start(0, "countdown", &countdown);
  EXPECT_EQ(test.scheduler.RunTurns(), 1u);
  EXPECT_EQ(countdown.left, 4);
  EXPECT_EQ(test.RunUntilIdle(), 4u);
  EXPECT_EQ(countdown.left, 0);
}

TEST(TestEnvTest, FilesVariablesAndInlineWorks) {
  TestEnv test;
  ASSERT_TRUE(test.env().fs->WriteFileAtomic("f", "x").ok());
  EXPECT_EQ(test.fs.Files(), std::vector<std::string>{"f"});
  test.variables["A"] = "b";
  EXPECT_EQ(test.env().variable("A"), "b");
  EXPECT_EQ(test.env().variable("B"), std::nullopt);
  InlineExecutor inline_io;
  bool ran = false;
  inline_io.Submit([&] { ran = true; });
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace weir
