#include "engine/core/watermarks.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(BoundedOutOfOrderness, HasNoWatermarkBeforeAnyRecord) {
  for (const int64_t bound : {int64_t{0}, int64_t{1}, int64_t{5000}, INT64_MAX - 1, INT64_MAX}) {
    BoundedOutOfOrderness generator(bound);
    EXPECT_EQ(generator.watermark(), kNoTimestamp) << bound;
    EXPECT_EQ(generator.max_event_time(), kNoTimestamp) << bound;
  }
}

// E-M1: a watermark of t says that no more records with time <= t come.
TEST(BoundedOutOfOrderness, IsTheHighestTimeMinusTheBoundMinusOne) {
  struct Case {
    int64_t bound;
    std::vector<int64_t> events;
    int64_t watermark;
  };
  const Case cases[] = {
      {0, {10}, 9},
      {0, {10, 10}, 9},
      {0, {10, 7, 9}, 9},
      {5, {10}, 4},
      {5, {10, 20, 15}, 14},
      {5, {-100}, -106},
      {0, {INT64_MAX}, INT64_MAX - 1},
      {1000, {0}, -1001},
  };
  for (const Case& c : cases) {
    BoundedOutOfOrderness generator(c.bound);
    for (const int64_t e : c.events) generator.OnEvent(e);
    EXPECT_EQ(generator.watermark(), c.watermark) << c.bound << " " << c.events[0];
  }
}

TEST(BoundedOutOfOrderness, GoesOnFromARestoredWatermark) {
  BoundedOutOfOrderness before(5);
  before.OnEvent(100);
  BoundedOutOfOrderness after(5, before.watermark());
  EXPECT_EQ(after.watermark(), 94);
  EXPECT_EQ(after.max_event_time(), 100);
  after.OnEvent(99);
  EXPECT_EQ(after.watermark(), 94);
  after.OnEvent(101);
  EXPECT_EQ(after.watermark(), 95);
  // Another bound than at the checkpoint does not move what was said before.
  EXPECT_EQ(BoundedOutOfOrderness(500, 94).watermark(), 94);
  EXPECT_EQ(BoundedOutOfOrderness(0, 94).watermark(), 94);
}

TEST(IdlenessTimer, FirstCheckStartsTheClockAndTheTimeoutIsStrict) {
  IdlenessTimer timer(100);
  EXPECT_FALSE(timer.Check(1000));  // starts it
  EXPECT_FALSE(timer.Check(1099));
  EXPECT_FALSE(timer.Check(1100));  // not more than the timeout
  EXPECT_TRUE(timer.Check(1101));
  EXPECT_TRUE(timer.Check(5000));
}

TEST(IdlenessTimer, ActivityCountsUntilTheNextCheck) {
  IdlenessTimer timer(100);
  timer.Check(0);
  timer.Activity();
  EXPECT_FALSE(timer.Check(500));  // was active; the clock is off again
  EXPECT_FALSE(timer.Check(510));  // starts it
  EXPECT_FALSE(timer.Check(610));
  EXPECT_TRUE(timer.Check(611));
}

TEST(IdlenessTimer, PausedTimeDoesNotCount) {
  IdlenessTimer timer(100);
  timer.Check(0);
  timer.Pause(50);
  EXPECT_FALSE(timer.Check(10'000));
  timer.Pause(60);  // paused already
  timer.Resume(10'000);
  EXPECT_FALSE(timer.Check(10'050));
  EXPECT_TRUE(timer.Check(10'051));
  timer.Resume(20'000);  // not paused
  EXPECT_TRUE(timer.Check(20'000));
}

TEST(IdlenessTimer, WithoutTimeoutNothingIsIdle) {
  IdlenessTimer timer(0);
  EXPECT_FALSE(timer.Check(0));
  EXPECT_FALSE(timer.Check(INT64_MAX));
}

TEST(SplitWatermarks, IsTheMinimumOfActiveSplits) {
  SplitWatermarks all(AllIdlePolicy::kHold);
  EXPECT_TRUE(all.all_idle());  // no splits at all (E-M14)
  const int a = all.Add(), b = all.Add();
  EXPECT_FALSE(all.all_idle());
  all.Update(a, 100);
  EXPECT_FALSE(all.Refresh(0));  // b has none yet
  EXPECT_EQ(all.output(), kNoTimestamp);
  all.Update(b, 50);
  EXPECT_TRUE(all.Refresh(0));
  EXPECT_EQ(all.output(), 50);
  EXPECT_FALSE(all.Refresh(0));
  all.Update(b, 40);  // goes back: ignored
  all.Update(b, 120);
  EXPECT_TRUE(all.Refresh(0));
  EXPECT_EQ(all.output(), 100);
  EXPECT_EQ(all.MinOfOthers(a), 120);
  EXPECT_EQ(all.MinOfOthers(b), 100);
}

TEST(SplitWatermarks, IdleSplitsDoNotHoldBack) {
  SplitWatermarks all(AllIdlePolicy::kHold);
  const int a = all.Add(), b = all.Add();
  all.Update(a, 100);
  all.Update(b, 50);
  all.Refresh(0);
  all.SetIdle(b, true);
  EXPECT_TRUE(all.Refresh(0));  // at once (E-M5)
  EXPECT_EQ(all.output(), 100);
  all.SetIdle(b, false);  // back, behind the others: never backwards
  all.Update(b, 60);
  all.Update(a, 200);
  EXPECT_FALSE(all.Refresh(0));
  EXPECT_EQ(all.output(), 100);
  all.Update(b, 150);
  EXPECT_TRUE(all.Refresh(0));
  EXPECT_EQ(all.output(), 150);
}

TEST(SplitWatermarks, ANewSplitHoldsBackUntilItHasRecords) {
  SplitWatermarks all(AllIdlePolicy::kHold);
  const int a = all.Add();
  all.Update(a, 100);
  all.Refresh(0);
  const int b = all.Add();
  all.Update(a, 200);
  EXPECT_FALSE(all.Refresh(0));
  EXPECT_EQ(all.output(), 100);
  all.Update(b, 180);
  all.Refresh(0);
  EXPECT_EQ(all.output(), 180);
}

TEST(SplitWatermarks, HoldStandsStillWhenAllAreIdle) {
  SplitWatermarks all(AllIdlePolicy::kHold);
  const int a = all.Add(), b = all.Add();
  all.Update(a, 100);
  all.Update(b, 50);
  all.Refresh(0);
  all.SetIdle(a, true);
  all.SetIdle(b, true);
  EXPECT_TRUE(all.all_idle());
  EXPECT_FALSE(all.Refresh(1'000'000));
  EXPECT_EQ(all.output(), 50);
}

TEST(SplitWatermarks, DrainGoesOnWithProcessingTimeSinceTheLastActivity) {
  SplitWatermarks all(AllIdlePolicy::kDrain);
  const int a = all.Add(), b = all.Add();
  all.Update(a, 100);
  all.Update(b, 50);
  all.Activity(1000);
  all.Refresh(1000);
  all.SetIdle(a, true);
  all.Refresh(2000);
  EXPECT_EQ(all.output(), 50);  // b is active: no draining
  all.SetIdle(b, true);
  EXPECT_TRUE(all.Refresh(4000));
  EXPECT_EQ(all.output(), 3100);  // from the highest split, 3000 ms after the last activity
  EXPECT_TRUE(all.Refresh(4001));
  EXPECT_EQ(all.output(), 3101);  // not compounded
  all.SetIdle(a, false);
  all.Activity(5000);
  all.Update(a, 200);
  EXPECT_FALSE(all.Refresh(5000));
  EXPECT_EQ(all.output(), 3101);
  all.SetIdle(a, true);
  EXPECT_TRUE(all.Refresh(5010));
  EXPECT_EQ(all.output(), 3111);
}

TEST(SplitWatermarks, DrainNeedsEventTimeToGoOnFrom) {
  SplitWatermarks all(AllIdlePolicy::kDrain);
  const int a = all.Add();
  all.SetIdle(a, true);
  EXPECT_FALSE(all.Refresh(0));
  EXPECT_FALSE(all.Refresh(1'000'000));
  EXPECT_EQ(all.output(), kNoTimestamp);
}

TEST(SplitWatermarks, DoesNotBeginBelowARestoredOutput) {
  SplitWatermarks all(AllIdlePolicy::kHold);
  const int a = all.Add(70);
  all.Restore(90);
  EXPECT_FALSE(all.Refresh(0));
  EXPECT_EQ(all.output(), 90);
  all.Update(a, 91);
  EXPECT_TRUE(all.Refresh(0));
  EXPECT_EQ(all.output(), 91);
}

}  // namespace
}  // namespace weir
