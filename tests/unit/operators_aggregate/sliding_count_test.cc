#include "operators/aggregate/sliding_count.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>

#include "tests/unit/operators_aggregate/operator_rig.h"

namespace weir {
namespace {

using Ints = std::vector<int64_t>;

const char kFailures[] = "kind in ['failed', 'invalid_user']";

OperatorRig Rig(OptionTexts more = {}) {
  OptionTexts options = {{"key", {"src_ip"}}, {"window", {"600s"}}};
  options.insert(options.end(), more.begin(), more.end());
  return OperatorRig(MakeSlidingCountType(), options);
}

TEST(SlidingCount, CountsRowsStrictlyInsideTheWindow) {
  OperatorRig rig = Rig();
  rig.Process({{"a", 1'000'000}, {"a", 1'599'999}, {"a", 1'600'000}, {"a", 1'600'001}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{1, 2, 2, 3}));
}

TEST(SlidingCount, AddsAColumnAndKeepsEverythingElse) {
  OperatorRig rig = Rig({{"as", {"failures"}}});
  rig.Process({{"a", 5, "failed", 7, "web"}, {std::nullopt, 6, "other", 8}});
  ASSERT_EQ(rig.emitted().size(), 1u);
  const RecordBatch& batch = rig.emitted()[0];
  EXPECT_EQ(batch.event_time, (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(batch.origin[1].offset, 8);
  EXPECT_EQ(batch.key_hash.size(), 2u);
  EXPECT_EQ(rig.plan().outputs[0].event_time_field, 2);
  EXPECT_EQ(rig.Take(),
            (std::vector<std::string>{
                R"({"host":"web","line":7,"ts":5,"src_ip":"a","kind":"failed","failures":1})",
                R"({"host":"h","line":8,"ts":6,"src_ip":null,"kind":"other","failures":1})"}));
}

TEST(SlidingCount, RowsThatDoNotSatisfyTheConditionCarryZeroAndDoNotCount) {
  OperatorRig rig = Rig({{"where", {kFailures}}});
  rig.Process({{"a", 1, "other"}, {"a", 2}, {"a", 3, "accepted"}, {"a", 4, "invalid_user"}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{0, 1, 0, 2}));
  rig.Process({{"b", 1, "other"}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{0}));
  EXPECT_EQ(rig.table("times")->size(), 1u);  // b was never counted: no state
}

TEST(SlidingCount, CountsKeysApartAndNullsTogether) {
  OperatorRig rig = Rig();
  rig.Process({{"a", 1}, {"b", 2}, {std::nullopt, 3}, {"a", 4}, {std::nullopt, 5}, {"", 6}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{1, 1, 1, 2, 2, 1}));
}

TEST(SlidingCount, ARowIsLateWhenTheWatermarkHasPassedItByTheWindowAndTheLateness) {
  OperatorRig rig = Rig({{"allowed_lateness", {"10s"}}});
  rig.Process({{"a", 1'000'000}});
  rig.Watermark(1'000'000 + 610'000 - 1);
  rig.Process({{"a", 1'000'000, "failed", 1}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{1, 2}));  // one ms before: in time, and exact
  rig.Watermark(1'000'000 + 610'000);
  rig.Process({{"a", 1'000'000, "failed", 2}, {"a", 1'000'001, "failed", 3}});
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{2}));
  EXPECT_EQ(rig.TakeInts("count"), (Ints{0, 3}));  // passed on with 0, and not counted later
  EXPECT_EQ(rig.Metric("weir_operator_late_records_total"), 1);
}

TEST(SlidingCount, LateRowsOnlyGoAsideIfAskedTo) {
  OperatorRig rig = Rig({{"late", {"side_output"}}, {"where", {kFailures}}});
  rig.Watermark(10'000'000);
  rig.Process({{"a", 1, "failed", 1}, {"a", 9'999'999, "failed", 2}, {"a", 1, "other", 3}});
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{1, 3}));
  EXPECT_EQ(rig.TakeInts("line", 0), (Ints{2}));
  rig.Process({{"a", 1, "failed", 4}});
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{4}));
  EXPECT_TRUE(rig.Take(0).empty());
}

TEST(SlidingCount, ARowWithoutEventTimeIsLate) {
  OperatorRig rig = Rig();
  rig.Process({{"a", kNoTimestamp}, {"a", 1}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{0, 1}));
  EXPECT_EQ(rig.Take(1).size(), 1u);
}

TEST(SlidingCount, StateOfAnExpiredKeyGoesAway) {
  OperatorRig rig = Rig();
  rig.Process({{"a", 1'000'000}, {"b", 1'000'000}});
  rig.Process({{"a", 1'300'000}});
  EXPECT_EQ(rig.timers_registered(), 2u);
  rig.Watermark(1'000'000 + 1'200'000 - 1);
  EXPECT_EQ(rig.table("times")->size(), 2u);
  rig.Watermark(1'000'000 + 1'200'000);  // b is gone; a has a newer time and a timer for it
  EXPECT_EQ(rig.table("times")->size(), 1u);
  EXPECT_EQ(rig.timers_registered(), 1u);
  rig.Watermark(1'300'000 + 1'200'000);
  EXPECT_EQ(rig.table("times")->size(), 0u);
  EXPECT_EQ(rig.timers_registered(), 0u);
  EXPECT_EQ(rig.timers_fired, 3);
}

TEST(SlidingCount, CountStopsAtTheCap) {
  OperatorRig rig = Rig({{"cap", {"3"}}});
  rig.Process({{"a", 1}, {"a", 2}, {"a", 3}, {"a", 4}, {"a", 5}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{1, 2, 3, 3, 3}));
  EXPECT_EQ(rig.Metric("weir_sliding_count_capped_total"), 2);
}

TEST(SlidingCount, ARowOnWhichTheConditionFailsDoesNotCount) {
  OperatorRig rig = Rig({{"where", {"10 / line == 10"}}});
  rig.Process({{"a", 1, "failed", 1}, {"a", 2, "failed", 0}, {"a", 3, "failed", 1}});
  EXPECT_EQ(rig.TakeInts("count"), (Ints{1, 0, 2}));
  EXPECT_EQ(rig.Metric("weir_expression_errors_total"), 1);
}

TEST(SlidingCount, AllPlanningErrorsComeAtOnce) {
  const auto errors = OperatorRig::PlanErrorsOf(
      MakeSlidingCountType(),
      {{"key", {"adress"}}, {"window", {"1s"}}, {"where", {"kind + 1"}}, {"as", {"ts"}}});
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0].substr(0, 15), "key: WEIR-1021:");
  EXPECT_EQ(errors[1].substr(0, 15), "where: WEIR-600");
  EXPECT_EQ(errors[2].substr(0, 14), "as: WEIR-1020:");
}

struct Step {
  Event event;
  int64_t watermark_after;  // kNoTimestamp = none
  bool cut, restore;
};

// A stream in which times jump about (some beyond lateness), batches are cut at random, the
// watermark follows at a distance and the operator is restored from a snapshot now and then.
std::vector<Step> AnyStream() {
  std::vector<Step> steps;
  int64_t base = 1'000, watermark = kNoTimestamp;
  for (const int r : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10'000))) {
    base += r % 7;
    Step step;
    step.event.src_ip = std::string(1, static_cast<char>('a' + r % 3));
    if (r % 11 == 0) step.event.src_ip.reset();
    step.event.ts = base - r % 71;
    step.event.kind = r % 4 == 0 ? "other" : "failed";
    step.watermark_after = kNoTimestamp;
    if (r % 5 == 0 && base - 30 > watermark) step.watermark_after = watermark = base - 30;
    step.cut = r % 3 == 0;
    step.restore = r % 29 == 0;
    steps.push_back(step);
  }
  return steps;
}

constexpr int64_t kWindow = 20, kLateness = 4;

Ints Naive(const std::vector<Step>& steps, int64_t* late) {
  std::map<std::optional<std::string>, Ints> seen;
  int64_t watermark = kNoTimestamp;
  Ints counts;
  for (const Step& step : steps) {
    const Event& e = step.event;
    const bool is_late = watermark != kNoTimestamp && e.ts + kWindow + kLateness <= watermark;
    *late += is_late ? 1 : 0;
    int64_t count = 0;
    if (e.kind == "failed" && !is_late) {
      seen[e.src_ip].push_back(e.ts);
      for (const int64_t t : seen[e.src_ip]) count += std::abs(t - e.ts) < kWindow ? 1 : 0;
    }
    counts.push_back(count);
    if (step.watermark_after != kNoTimestamp) watermark = step.watermark_after;
  }
  return counts;
}

RC_GTEST_PROP(SlidingCount, IsTheNaiveCountWhateverTheBatches, ()) {
  const std::vector<Step> steps = AnyStream();
  OperatorRig rig(MakeSlidingCountType(), {{"key", {"src_ip"}},
                                           {"where", {kFailures}},
                                           {"window", {"20ms"}},
                                           {"allowed_lateness", {"4ms"}}});
  std::vector<Event> batch;
  const auto flush = [&] {
    if (!batch.empty()) rig.Process(batch);
    batch.clear();
  };
  for (const Step& step : steps) {
    batch.push_back(step.event);
    if (step.cut || step.restore || step.watermark_after != kNoTimestamp) flush();
    if (step.watermark_after != kNoTimestamp) rig.Watermark(step.watermark_after);
    if (step.restore) rig.SnapshotRestore();
  }
  flush();
  int64_t late = 0;
  RC_ASSERT(rig.TakeInts("count") == Naive(steps, &late));
  RC_ASSERT(static_cast<int64_t>(rig.Take(1).size()) == late);
  // Time passes, and nothing is left behind.
  rig.Watermark(1'000'000);
  RC_ASSERT(rig.table("times")->size() == 0u);
}

}  // namespace
}  // namespace weir
