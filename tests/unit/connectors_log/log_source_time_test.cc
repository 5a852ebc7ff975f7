// Event time of a source: watermarks, idleness, what a restore keeps of them.
#include "connectors/log/log_source.h"
#include "engine/base/sim_fail_points.h"
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Options = LogSourceOptions;

class LogSourceTimeTest : public ::testing::Test {
 protected:
  LogWorld world_;
};

TEST_F(LogSourceTimeTest, EachRecordSeesTheWatermarkOfTheOneBefore) {
  world_.Put("in", 0, "10 a\n10 b\n7 c\n20 d\n20 e\n15 f\n21 g");
  Options options = LineSource();
  options.out_of_orderness_ms = 2;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.events,
              ElementsAre("a", "wm 7", "b", "c", "d", "wm 17", "e", "f", "g", "wm 18", "end"));
  // Cut where the watermark moves and nowhere else.
  EXPECT_THAT(rig.batch_sizes[0], ElementsAre(1, 3, 3));
  EXPECT_THAT(rig.event_times, ElementsAre(10, 10, 7, 20, 20, 15, 21));
  EXPECT_EQ(rig.origins[6], (Origin{0, 0, 6}));
  EXPECT_EQ(rig.Metric("weir_source_records_total"), 7);
  EXPECT_EQ(rig.Metric("weir_source_bytes_total"), 7 * 4 - 1);
}

TEST_F(LogSourceTimeTest, PeriodicGivesAWatermarkAfterEachBatch) {
  world_.Put("in", 0, "10 a\n20 b\n7 c\n40 d\n");
  Options options = LineSource();
  options.emit = Options::Emit::kPeriodic;
  options.batch_rows = 3;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("a", "b", "c", "wm 19", "d", "wm 39", "end"));
}

TEST_F(LogSourceTimeTest, TheWatermarkIsTheMinimumOverSplits) {
  world_.Put("in", 0, "100 a\n");
  world_.Put("in", 1, "50 b\n60 c\n");
  SourceRig rig(&world_, LineSource());
  rig.Run();
  // Never above a record that is still to come, whatever the turns.
  EXPECT_THAT(rig.Rows(), UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(rig.events.back(), "end");
  EXPECT_EQ(rig.events[rig.events.size() - 2], "wm 59");
}

TEST_F(LogSourceTimeTest, WithoutEventTimeItTakesNoPartInIt) {
  world_.Put("in", 0, "10 a\nnull b\n");
  Options options = LineSource();
  options.event_time_field = -1;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("idle", "a", "b", "end"));
  EXPECT_THAT(rig.event_times, ElementsAre(kNoTimestamp, kNoTimestamp));
}

TEST_F(LogSourceTimeTest, ASubtaskWithoutSplitsIsIdle) {
  world_.Put("in", 0, "10 a\n");
  Options options = LineSource();
  options.until_end = false;
  SourceRig rig(&world_, options, {}, 1, 2);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("idle"));  // E-M14
}

TEST_F(LogSourceTimeTest, RestoresWatermarksOfSplits) {
  world_.Put("in", 0, "100 a\n");
  world_.Put("in", 1, "50 b\n");
  SourceRig first(&world_, LineSource());
  first.Run();
  const auto part = first.Snapshot();
  EXPECT_EQ(first.events[first.events.size() - 2], "wm 49");
  world_.Put("in", 0, "90 late\n110 c\n");
  world_.Put("in", 1, "60 d\n");
  SourceRig second(&world_, LineSource(), part->pieces);
  second.Run();
  // The restored one first (D11); a record below its split's watermark moves nothing.
  EXPECT_EQ(second.events.front(), "wm 49");
  EXPECT_EQ(second.events[second.events.size() - 2], "wm 59");
  EXPECT_THAT(second.events, ::testing::Not(::testing::Contains("wm 89")));
}

// reliability B-33 put back: the first records after a restore are judged by no watermark.
TEST_F(LogSourceTimeTest, ThePlantedBugIsThere) {
  world_.Put("in", 0, "100 a\n");
  SourceRig first(&world_, LineSource());
  first.Run();
  const auto part = first.Snapshot();
  SimFailPoints points([] {});
  points.PlantBug("B-33");
  SetFailPoints(&points);
  SourceRig second(&world_, LineSource(), part->pieces);
  second.Run();
  SetFailPoints(nullptr);
  EXPECT_THAT(second.events, ElementsAre("end"));  // "wm 99" without the bug
}

TEST_F(LogSourceTimeTest, AQuietPartitionStopsHoldingEventTimeBack) {
  world_.Put("in", 0, "100 a\n");
  world_.Put("in", 1, "50 b\n");
  Options options = LineSource();
  options.until_end = false;
  options.idleness_ms = 5000;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_EQ(rig.events.back(), "wm 49");
  for (int i = 1; i <= 70; ++i) {  // partition 0 goes on, partition 1 is quiet
    world_.Put("in", 0, std::to_string(100 + i) + " x\n");
    rig.Advance(100);
  }
  EXPECT_EQ(rig.events.back(), "wm 169");
  EXPECT_THAT(rig.events, ::testing::Not(::testing::Contains("idle")));
  rig.TakeEvents();
  rig.Advance(4000);
  EXPECT_THAT(rig.events, IsEmpty());
  rig.Advance(3000);
  EXPECT_THAT(rig.TakeEvents(), ElementsAre("idle"));  // hold: all idle, time stands still
  rig.Advance(60'000);
  EXPECT_THAT(rig.events, IsEmpty());
  world_.Put("in", 1, "90 late\n");
  rig.Advance(300);
  EXPECT_THAT(rig.TakeEvents(), ElementsAre("late"));  // no new watermark: still idle (E-M8)
  world_.Put("in", 0, "300 c\n");
  world_.Put("in", 1, "200 d\n");
  rig.Advance(300);
  EXPECT_THAT(rig.events, UnorderedElementsAre("c", "d", "active", "wm 199"));
}

TEST_F(LogSourceTimeTest, DrainGoesOnWithTheClock) {
  world_.Put("in", 0, "100 a\n");
  Options options = LineSource();
  options.until_end = false;
  options.idleness_ms = 1000;
  options.all_idle = AllIdlePolicy::kDrain;
  SourceRig rig(&world_, options);
  rig.Run();
  rig.TakeEvents();
  rig.Advance(900);
  EXPECT_THAT(rig.events, IsEmpty());
  rig.Advance(2100);
  ASSERT_FALSE(rig.events.empty());
  // Each step: awake with a watermark, then idle again, so that no other input is held back.
  EXPECT_EQ(rig.events.back(), "idle");
  int64_t last = 99;
  for (const std::string& e : rig.events) {
    if (!e.starts_with("wm ")) continue;
    EXPECT_GT(std::stoll(e.substr(3)), last);
    last = std::stoll(e.substr(3));
  }
  EXPECT_GT(last, 99 + 2500);
  EXPECT_LE(last, 99 + 3000);
}

TEST_F(LogSourceTimeTest, BackPressureIsNotIdleness) {
  world_.Put("in", 0, "100 a\n101 b\n");
  world_.Put("in", 1, "50 c\n");
  Options options = LineSource();
  options.until_end = false;
  options.idleness_ms = 1000;
  options.batch_rows = 1;
  SourceRig rig(&world_, options);
  while (rig.events.empty()) {
    rig.PollOnce();
    world_.env.RunPending();
  }
  world_.env.AdvanceMs(60'000);  // nobody asks for more: no room downstream
  world_.Put("in", 1, "51 d\n");
  rig.Run();
  EXPECT_THAT(rig.events, ::testing::Not(::testing::Contains("wm 100")));
  EXPECT_THAT(rig.events, ::testing::Not(::testing::Contains("idle")));
}

}  // namespace
}  // namespace weir
