#include "connectors/log/log_source.h"

#include "engine/base/sim_fail_points.h"
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Options = LogSourceOptions;

class LogSourceTest : public ::testing::Test {
 protected:
  LogWorld world_;
};

TEST_F(LogSourceTest, EachRecordSeesTheWatermarkOfTheOneBefore) {
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

TEST_F(LogSourceTest, PeriodicGivesAWatermarkAfterEachBatch) {
  world_.Put("in", 0, "10 a\n20 b\n7 c\n40 d\n");
  Options options = LineSource();
  options.emit = Options::Emit::kPeriodic;
  options.batch_rows = 3;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("a", "b", "c", "wm 19", "d", "wm 39", "end"));
}

TEST_F(LogSourceTest, TheWatermarkIsTheMinimumOverSplits) {
  world_.Put("in", 0, "100 a\n");
  world_.Put("in", 1, "50 b\n60 c\n");
  SourceRig rig(&world_, LineSource());
  rig.Run();
  // Never above a record that is still to come, whatever the turns.
  EXPECT_THAT(rig.Rows(), UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(rig.events.back(), "end");
  EXPECT_EQ(rig.events[rig.events.size() - 2], "wm 59");
}

TEST_F(LogSourceTest, WithoutEventTimeItTakesNoPartInIt) {
  world_.Put("in", 0, "10 a\nnull b\n");
  Options options = LineSource();
  options.event_time_field = -1;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("idle", "a", "b", "end"));
  EXPECT_THAT(rig.event_times, ElementsAre(kNoTimestamp, kNoTimestamp));
}

TEST_F(LogSourceTest, AnEmptyTopicEnds) {
  SourceRig rig(&world_, LineSource());
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("idle", "end"));
  world_.Put("in", 0, "");
  SourceRig other(&world_, LineSource());
  other.Run();
  EXPECT_EQ(other.events.back(), "end");
  EXPECT_THAT(other.Rows(), IsEmpty());
}

TEST_F(LogSourceTest, BadRecordsAreDeadLettersAndChangeNothingElse) {
  const int64_t now = world_.env.clock.NowMs();
  const std::string future = std::to_string(now + 3'600'001);
  world_.Put("in", 0,
             "broken\n10 a\nx\xFF y\nnull b\n253402300800000 c\n" + future +
                 " d\n-62135596800001 e\n12 f\n\n\"nul\"" + std::string("\0", 1) + "\r\n");
  Options options = LineSource();
  options.source_number = 3;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("a", "wm 9", "f", "wm 11", "end"));
  EXPECT_THAT(
      rig.dead_letters,
      ElementsAre(
          R"({"topic":"in","partition":0,"offset":0,"error":"WEIR-2001","reason":"no space",)"
          R"("field":null,"raw":"broken","raw_base64":null,"ts":null})",
          R"({"topic":"in","partition":0,"offset":2,"error":"WEIR-2003",)"
          R"("reason":"field 'ts': expected a number","field":"ts","raw":null,)"
          R"("raw_base64":"eP8geQ==","ts":10})",
          R"({"topic":"in","partition":0,"offset":3,"error":"WEIR-2008",)"
          R"("reason":"field 'ts': the event time is null","field":"ts","raw":"null b",)"
          R"("raw_base64":null,"ts":10})",
          AllOf(HasSubstr(R"("offset":4,"error":"WEIR-2008")"), HasSubstr("years 1 and 9999")),
          AllOf(HasSubstr(R"("offset":5,"error":"WEIR-2007")"),
                HasSubstr("further ahead of the clock than 1h")),
          HasSubstr(R"("offset":6,"error":"WEIR-2008")"),
          HasSubstr(R"("offset":8,"error":"WEIR-2001","reason":"no space","field":null,"raw":"")"),
          HasSubstr(
              R"("offset":9,"error":"WEIR-2001","reason":"no space","field":null,"raw":null,"raw_base64":"Im51bCIADQ==")")));
  EXPECT_EQ(rig.Metric("weir_source_dead_letters_total"), 8);
}

TEST_F(LogSourceTest, ATimeJustWithinTheLimitsIsTaken) {
  const int64_t now = world_.env.clock.NowMs();
  world_.Put("in", 0, std::to_string(now + 3'600'000) + " a\n-62135596800000 b\n");
  SourceRig rig(&world_, LineSource());
  rig.Run();
  EXPECT_THAT(rig.Rows(), ElementsAre("a", "b"));
}

TEST_F(LogSourceTest, OnErrorFailStopsTheJob) {
  world_.Put("in", 0, "10 a\nbroken\n");
  Options options = LineSource();
  options.on_error = Options::OnError::kFail;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.failures, ElementsAre(2001));
}

TEST_F(LogSourceTest, AnOversizedLineIsADeadLetter) {
  world_.Put("in", 0, "10 a\n11 " + std::string(size_t{33} << 20, 'y') + "\n12 b\n");
  SourceRig rig(&world_, LineSource());
  rig.Run();
  EXPECT_THAT(rig.Rows(), ElementsAre("a", "b"));
  ASSERT_EQ(rig.dead_letters.size(), 1u);
  EXPECT_THAT(rig.dead_letters[0], HasSubstr(R"("offset":1,"error":"WEIR-2005")"));
  EXPECT_LT(rig.dead_letters[0].size(), size_t{1} << 20);
  EXPECT_EQ(rig.origins[1].offset, 2);
}

TEST_F(LogSourceTest, FollowsGrowthAndFindsNewPartitions) {
  world_.Put("in", 0, "10 a\n11 b");
  Options options = LineSource();
  options.until_end = false;
  SourceRig rig(&world_, options);
  rig.Run();
  EXPECT_THAT(rig.Rows(), ElementsAre("a"));  // "b" has no newline yet
  world_.Put("in", 0, "\n");
  rig.Advance(250);
  EXPECT_THAT(rig.Rows(), ElementsAre("a", "b"));
  world_.Put("in", 1, "12 c\n");
  rig.Advance(1500);
  EXPECT_THAT(rig.Rows(), ElementsAre("a", "b", "c"));
  rig.source().Drain();
  EXPECT_EQ(rig.events.back(), "end");
  world_.Put("in", 1, "13 d\n");
  rig.Advance(5000);
  EXPECT_EQ(rig.events.back(), "end");  // once, and nothing after it
  EXPECT_TRUE(rig.failures.empty());
}

TEST_F(LogSourceTest, DrainBeforeTheStartEndsAfterTheReport) {
  world_.Put("in", 0, "10 a\n");
  SourceRig rig(&world_, LineSource());
  EXPECT_FALSE(rig.source().Started());
  rig.source().Drain();
  EXPECT_THAT(rig.events, IsEmpty());
  rig.Run();
  EXPECT_TRUE(rig.source().Started());
  EXPECT_THAT(rig.reported, ElementsAre(std::pair(0, true), std::pair(1, true)));
  EXPECT_THAT(rig.events, ElementsAre("end"));
}

TEST_F(LogSourceTest, EndOfInputComesOnceAndSplitsStay) {
  world_.Put("in", 0, "10 a\n");
  SourceRig rig(&world_, LineSource());
  rig.Run();
  rig.source().Drain();
  rig.Advance(5000);
  EXPECT_THAT(rig.events, ElementsAre("a", "wm 9", "end"));  // never the highest watermark
  const auto part = rig.Snapshot();
  world_.Put("in", 0, "11 b\n");
  SourceRig next(&world_, LineSource(), part->pieces);
  next.Run();
  EXPECT_THAT(next.events, ElementsAre("wm 9", "b", "wm 10", "end"));
}

TEST_F(LogSourceTest, PartitionsAreAssignedByTheirNumber) {
  for (const int p : {0, 1, 2, 5}) world_.Put("in", p, "10 p" + std::to_string(p) + "\n");
  std::vector<std::vector<std::string>> rows;
  for (int subtask = 0; subtask < 3; ++subtask) {
    SourceRig rig(&world_, LineSource(), {}, subtask, 3);
    rig.Run();
    rows.push_back(rig.Rows());
  }
  EXPECT_THAT(rows,
              ElementsAre(ElementsAre("p0"), ElementsAre("p1"), UnorderedElementsAre("p2", "p5")));
}

TEST_F(LogSourceTest, ASubtaskWithoutSplitsIsIdle) {
  world_.Put("in", 0, "10 a\n");
  Options options = LineSource();
  options.until_end = false;
  SourceRig rig(&world_, options, {}, 1, 2);
  rig.Run();
  EXPECT_THAT(rig.events, ElementsAre("idle"));  // E-M14
}

// At every point of the input a checkpoint goes on exactly behind what was emitted.
TEST_F(LogSourceTest, RestoresBehindTheLastEmittedRecord) {
  std::string text;
  std::vector<std::string> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back("r" + std::to_string(i));
    text += std::to_string(1000 + i) + " " + all.back() + "\n";
  }
  text.pop_back();
  world_.Put("in", 0, text);
  for (const size_t batch_rows : {1, 3, 7}) {
    for (int polls = 0; polls < 45; ++polls) {
      Options options = LineSource();
      options.batch_rows = batch_rows;
      options.chunk_bytes = 64;
      SourceRig first(&world_, options);
      for (int i = 0; i < polls; ++i) {
        first.PollOnce();
        world_.env.RunPending();
      }
      const auto part = first.Snapshot();
      ASSERT_TRUE(part->finished && part->status.ok());
      std::vector<std::string> rows = first.Rows();
      SourceRig second(&world_, options, part->pieces);
      second.Run();
      ASSERT_TRUE(second.failures.empty());
      for (const std::string& r : second.Rows()) rows.push_back(r);
      ASSERT_EQ(rows, all) << batch_rows << " rows, " << polls << " polls";
    }
  }
}

TEST_F(LogSourceTest, RestoresAtAnotherParallelism) {
  for (int p = 0; p < 4; ++p) {
    world_.Put("in", p, "10 a" + std::to_string(p) + "\n20 b" + std::to_string(p) + "\n");
  }
  for (const int before : {1, 2, 4}) {
    for (const int after : {1, 2, 3}) {
      std::vector<StatePiece> pieces;
      std::vector<std::string> rows;
      for (int s = 0; s < before; ++s) {
        Options options = LineSource();
        options.batch_rows = 1;
        SourceRig rig(&world_, options, {}, s, before);
        for (int i = 0; i < 4; ++i) {
          rig.PollOnce();
          world_.env.RunPending();
        }
        for (const std::string& r : rig.Rows()) rows.push_back(r);
        const auto part = rig.Snapshot();
        pieces.insert(pieces.end(), part->pieces.begin(), part->pieces.end());
      }
      for (int s = 0; s < after; ++s) {
        SourceRig rig(&world_, LineSource(), pieces, s, after);
        rig.Run();
        for (const std::string& r : rig.Rows()) rows.push_back(r);
      }
      EXPECT_THAT(rows, UnorderedElementsAre("a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"));
    }
  }
}

TEST_F(LogSourceTest, RestoresWatermarksOfSplits) {
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
TEST_F(LogSourceTest, ThePlantedBugIsThere) {
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

TEST_F(LogSourceTest, AReplacedTruncatedOrMissingLogStopsTheJob) {
  world_.Put("in", 0, "10 a\n11 b\n");
  SourceRig first(&world_, LineSource());
  first.Run();
  const auto part = first.Snapshot();
  ASSERT_TRUE(world_.env.fs.Truncate(LogWorld::Path("in", 0), 5).ok());
  SourceRig truncated(&world_, LineSource(), part->pieces);
  truncated.Run();
  EXPECT_THAT(truncated.failures, ElementsAre(3001));
  world_.Put("in", 0, "11 x\n12 c\n");
  SourceRig replaced(&world_, LineSource(), part->pieces);
  replaced.Run();
  EXPECT_THAT(replaced.failures, ElementsAre(3002));
  ASSERT_TRUE(world_.env.fs.Remove(LogWorld::Path("in", 0)).ok());
  SourceRig missing(&world_, LineSource(), part->pieces);
  missing.Run();
  EXPECT_THAT(missing.failures, ElementsAre(3003));
}

TEST_F(LogSourceTest, MalformedPiecesAreRefused) {
  for (const StatePiece& piece : {StatePiece{"split/in/0", "junk"}, StatePiece{"split/in/x", ""}}) {
    SourceRig rig(&world_, LineSource(), {piece});
    EXPECT_THAT(rig.failures, ElementsAre(4002));
  }
}

TEST_F(LogSourceTest, LatestIsResolvedOnceAndKept) {
  world_.Put("in", 0, "10 old\n11 part");
  Options options = LineSource();
  options.start = Options::Start::kLatest;
  options.until_end = false;
  SourceRig first(&world_, options);
  // A barrier before the start is known: the checkpoint waits for it (reliability B-16).
  const auto early = first.Snapshot();
  EXPECT_FALSE(early->finished);
  first.Run();
  EXPECT_TRUE(early->finished);
  EXPECT_THAT(first.Rows(), IsEmpty());
  world_.Put("in", 0, "ly new\n12 newer\n");
  world_.Put("in", 1, "13 new partition\n");
  first.Advance(2000);
  EXPECT_THAT(first.Rows(), UnorderedElementsAre("partly new", "newer", "new partition"));
  EXPECT_TRUE(first.Snapshot()->finished);
  // What came after the first look is there after a restore, in partitions old and new.
  SourceRig second(&world_, options, early->pieces);
  second.Advance(2000);
  EXPECT_THAT(second.Rows(), UnorderedElementsAre("partly new", "newer", "new partition"));
}

TEST_F(LogSourceTest, LatestOfAnEmptyTopicReadsPartitionsFromTheirBeginning) {
  Options options = LineSource();
  options.start = Options::Start::kLatest;
  options.until_end = false;
  SourceRig rig(&world_, options);
  rig.Run();
  const auto part = rig.Snapshot();
  EXPECT_TRUE(part->finished);
  world_.Put("in", 0, "10 a\n");
  SourceRig second(&world_, options, part->pieces);
  second.Advance(2000);
  EXPECT_THAT(second.Rows(), ElementsAre("a"));
}

TEST_F(LogSourceTest, AQuietPartitionStopsHoldingEventTimeBack) {
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

TEST_F(LogSourceTest, DrainGoesOnWithTheClock) {
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

TEST_F(LogSourceTest, BackPressureIsNotIdleness) {
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

TEST_F(LogSourceTest, ReadErrorsFailTheTask) {
  world_.Put("in", 0, "10 a\n");
  SimFaults faults;
  faults.read_error = 1;
  world_.env.fs.SetFaults(faults);
  SourceRig rig(&world_, LineSource());
  rig.Run();
  EXPECT_THAT(rig.failures, ElementsAre(3004));
}

TEST_F(LogSourceTest, MayBeDestroyedWhileItReads) {
  world_.Put("in", 0, "10 a\n");
  {
    SourceRig rig(&world_, LineSource());
    rig.PollOnce();
  }
  world_.env.RunPending();
}

}  // namespace
}  // namespace weir
