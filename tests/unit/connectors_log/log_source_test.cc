#include "connectors/log/log_source.h"

#include "engine/base/metric_catalog.h"
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

// A log that knows where it ends, as Kafka does.
class KnowingReader : public LogReader {
 public:
  KnowingReader(std::unique_ptr<LogReader> reader, int64_t end)
      : reader_(std::move(reader)), end_(end) {}
  Status Read(const LogReadOptions& options, LogChunk* out) override {
    WEIR_RETURN_IF_ERROR(reader_->Read(options, out));
    out->behind = end_ - out->next.offset;
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<LogReader> reader_;
  const int64_t end_;
};

class KnowingLog : public ForwardingLog {
 public:
  KnowingLog(LogClient* log, std::vector<int64_t> ends)
      : ForwardingLog(log), ends_(std::move(ends)) {}
  StatusOr<std::unique_ptr<LogReader>> OpenReader(const std::string& topic, int partition,
                                                  const LogPosition& from) override {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<LogReader> reader,
                          ForwardingLog::OpenReader(topic, partition, from));
    return std::unique_ptr<LogReader>(
        std::make_unique<KnowingReader>(std::move(reader), ends_[static_cast<size_t>(partition)]));
  }

 private:
  const std::vector<int64_t> ends_;
};

TEST_F(LogSourceTest, LagIsWhatIsNotEmittedYet) {
  world_.Put("in", 0, "10 a\n11 b\n12 c\n13 d\n14 e\n15 f\n");
  world_.Put("in", 1, "10 u\n11 v\n12 w\n");
  Options options = LineSource();
  options.chunk_bytes = 10;  // two records
  options.batch_rows = 1;
  options.log = std::make_shared<KnowingLog>(world_.log.get(), std::vector<int64_t>{6, 3});
  SourceRig rig(&world_, options);
  EXPECT_EQ(rig.Metric("weir_source_lag_records"), kUnsetGauge);
  size_t looked = 0;
  for (bool busy = true; busy;) {
    busy = rig.PollOnce();
    busy = world_.env.RunPending() > 0 || busy;
    if (rig.Metric("weir_source_lag_records") == kUnsetGauge) continue;
    ++looked;
    EXPECT_EQ(rig.Metric("weir_source_lag_records"), 9 - static_cast<int64_t>(rig.Rows().size()));
    EXPECT_EQ(rig.Metric("weir_source_split_lag_records"),
              9 - static_cast<int64_t>(rig.Rows().size()));
  }
  EXPECT_GE(looked, 7u);
  EXPECT_EQ(rig.Rows().size(), 9u);
}

// Files do not say how many records are left in them.
TEST_F(LogSourceTest, LagIsNotKnownBeforeTheEndIsSeen) {
  world_.Put("in", 0, "10 a\n11 b\n12 c\n13 d\n14 e\n15 f\n");
  Options options = LineSource();
  options.chunk_bytes = 10;
  SourceRig rig(&world_, options);
  while (rig.Rows().empty()) {
    rig.PollOnce();
    world_.env.RunPending();
  }
  EXPECT_EQ(rig.Metric("weir_source_lag_records"), kUnsetGauge);
  EXPECT_EQ(rig.Metric("weir_source_split_lag_records"), kUnsetGauge);
  rig.Run();
  EXPECT_EQ(rig.Metric("weir_source_lag_records"), 0);
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
          R"("field":null,"raw":"broken","raw_base64":null,"ts":null,)"
          R"("hint":null,"truncated":null})",
          R"({"topic":"in","partition":0,"offset":2,"error":"WEIR-2003",)"
          R"("reason":"field 'ts': expected a number","field":"ts","raw":null,)"
          R"("raw_base64":"eP8geQ==","ts":10,"hint":null,"truncated":null})",
          R"({"topic":"in","partition":0,"offset":3,"error":"WEIR-2008",)"
          R"("reason":"field 'ts': the event time is null","field":"ts","raw":"null b",)"
          R"("raw_base64":null,"ts":10,"hint":null,"truncated":null})",
          AllOf(HasSubstr(R"("offset":4,"error":"WEIR-2008")"), HasSubstr("years 1 and 9999")),
          AllOf(HasSubstr(R"("offset":5,"error":"WEIR-2007")"),
                HasSubstr("further ahead of the clock than 1h")),
          HasSubstr(R"("offset":6,"error":"WEIR-2008")"),
          HasSubstr(R"("offset":8,"error":"WEIR-2001","reason":"no space","field":null,"raw":"")"),
          HasSubstr(R"("offset":9,"error":"WEIR-2001","reason":"no space","field":null,)"
                    R"("raw":null,"raw_base64":"Im51bCIADQ==")")));
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
