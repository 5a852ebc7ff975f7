#include "engine/runtime/watermark_valve.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr bool kIdle = true, kActive = false;

std::optional<int64_t> Mark(WatermarkValve* v, int channel, int64_t ms) {
  return v->OnWatermark(channel, ms).watermark;
}

TEST(WatermarkValveTest, OutputIsTheMinimumAndOnlyGrows) {  // E-M2, E-M3
  WatermarkValve v(3);
  EXPECT_EQ(Mark(&v, 0, 10), std::nullopt);
  EXPECT_EQ(Mark(&v, 1, 20), std::nullopt);
  EXPECT_EQ(Mark(&v, 2, 5), 5);
  EXPECT_EQ(Mark(&v, 2, 5), std::nullopt);
  EXPECT_EQ(Mark(&v, 2, 4), std::nullopt);
  EXPECT_EQ(Mark(&v, 2, 12), 10);
  EXPECT_EQ(v.output(), 10);
}

TEST(WatermarkValveTest, IdleChannelNoLongerHoldsTimeBack) {  // E-M5
  WatermarkValve v(2);
  Mark(&v, 0, 30);
  EXPECT_EQ(Mark(&v, 1, 10), 10);
  const ValveOutput out = v.OnIdle(1, kIdle);
  EXPECT_EQ(out.watermark, 30);
  EXPECT_EQ(out.idle, std::nullopt);
}

TEST(WatermarkValveTest, AWatermarkOnAnIdleChannelIsIgnored) {  // E-M3
  WatermarkValve v(2);
  v.OnIdle(0, kIdle);
  EXPECT_EQ(Mark(&v, 0, 100), std::nullopt);
  EXPECT_EQ(Mark(&v, 1, 7), 7);
}

TEST(WatermarkValveTest, AReturningChannelJoinsOnlyOnceCaughtUp) {  // E-M4
  WatermarkValve v(2);
  Mark(&v, 0, 10);
  Mark(&v, 1, 10);
  v.OnIdle(1, kIdle);
  EXPECT_EQ(Mark(&v, 0, 50), 50);
  v.OnIdle(1, kActive);
  EXPECT_EQ(Mark(&v, 1, 20), std::nullopt);
  EXPECT_EQ(Mark(&v, 0, 60), 60) << "the channel behind does not hold time back";
  EXPECT_EQ(Mark(&v, 1, 60), std::nullopt);
  EXPECT_EQ(Mark(&v, 0, 70), std::nullopt) << "caught up: it counts again";
  EXPECT_EQ(Mark(&v, 1, 65), 65);
}

TEST(WatermarkValveTest, AllIdleJumpsToTheMaximumThenSaysIdle) {  // E-M6
  WatermarkValve v(2);
  Mark(&v, 0, 40);
  EXPECT_EQ(Mark(&v, 1, 15), 15);
  EXPECT_EQ(v.OnIdle(0, kIdle).idle, std::nullopt);
  const ValveOutput out = v.OnIdle(1, kIdle);
  EXPECT_EQ(out.watermark, 40);
  EXPECT_EQ(out.idle, true);
  EXPECT_EQ(v.OnIdle(0, kActive).idle, false);
}

TEST(WatermarkValveTest, ARestoredWatermarkIsNeverUndercut) {  // D11
  WatermarkValve v(1, 100);
  EXPECT_EQ(v.output(), 100);
  EXPECT_EQ(Mark(&v, 0, 90), std::nullopt);
  EXPECT_EQ(Mark(&v, 0, 101), 101);
}

// The gate before a silent channel restored the same time, and swallows what is not beyond it.
TEST(WatermarkValveTest, ARestoredChannelThatFallsSilentNoLongerHoldsTimeBack) {
  WatermarkValve v(2, 100);
  EXPECT_EQ(Mark(&v, 0, 500), std::nullopt);
  EXPECT_EQ(v.OnIdle(1, kIdle).watermark, 500);
}

}  // namespace
}  // namespace weir
