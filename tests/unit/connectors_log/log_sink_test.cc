#include "connectors/log/log_sink.h"

#include <set>

#include "engine/base/sim_fail_points.h"
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogSinkTest : public ::testing::Test {
 protected:
  // A sink of one incarnation that is ready for input.
  std::unique_ptr<SinkRig> Start(const std::vector<StatePiece>& pieces, int64_t epoch,
                                 int subtask = 0, int parallelism = 1,
                                 LogSinkOptions options = {}) {
    auto rig = std::make_unique<SinkRig>(&world_, subtask, parallelism, epoch);
    rig->Open(std::move(options));
    if (!pieces.empty()) rig->Restore(pieces);
    rig->CanAccept();
    rig->Run();
    return rig;
  }
  // A complete checkpoint of one sink.
  std::vector<StatePiece> Checkpoint(SinkRig* rig) {
    const auto part = rig->Snapshot();
    rig->Run();
    EXPECT_TRUE(part->finished && part->status.ok());
    return part->pieces;
  }
  std::vector<std::string> Effects(int partition = 0) {
    std::vector<std::string> ids;
    for (const auto& [value, id] : world_.ValuesAndEffects("out", partition)) ids.push_back(id);
    return ids;
  }
  LogWorld world_;
};

TEST_F(LogSinkTest, WritesRowsAsLinesWithTheirNames) {
  auto rig = Start({}, 1);
  ASSERT_TRUE(rig->CanAccept());
  rig->Process({{1, "a"}, {2, "b"}});
  rig->Run();
  EXPECT_EQ(world_.Contents("out", 0), R"({"ts":1,"text":"a"})"
                                       "\n"
                                       R"({"ts":2,"text":"b"})"
                                       "\n");
  const EffectNamer namer("job", "op");
  EXPECT_THAT(Effects(), ElementsAre(namer.Name({0, 0, 1}, 0), namer.Name({0, 0, 2}, 0)));
  EXPECT_EQ(rig->Metric("weir_sink_records_total"), 2);
  EXPECT_EQ(rig->Metric("weir_sink_bytes_total"), 38);
}

TEST_F(LogSinkTest, NamesDependOnCauseAndPlaceOnly) {
  const EffectNamer namer("job", "op");
  const std::string name = namer.Name({1, 2, 3}, 4);
  EXPECT_EQ(name, "3057fd2968948486a23f23f366644b84") << "an id must never change";
  std::set<std::string> names = {name,
                                 namer.Name({0, 2, 3}, 4),
                                 namer.Name({1, 0, 3}, 4),
                                 namer.Name({1, 2, 0}, 4),
                                 namer.Name({1, 2, 3}, 0),
                                 EffectNamer("job2", "op").Name({1, 2, 3}, 4),
                                 EffectNamer("job", "op2").Name({1, 2, 3}, 4),
                                 EffectNamer("jobo", "p").Name({1, 2, 3}, 4)};
  EXPECT_EQ(names.size(), 8u);
  EXPECT_EQ(namer.Name({0, 0, -1}, 0), "");
}

TEST_F(LogSinkTest, WritesTheFieldsAskedForInTheirOrder) {
  LogSinkOptions options;
  options.columns = {1};
  auto rig = Start({}, 1, 0, 1, options);
  rig->Process({{1, "a"}});
  rig->Process({{2, "b"}});
  rig->Run();
  EXPECT_EQ(world_.Contents("out", 0), "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
}

TEST_F(LogSinkTest, TakesNoInputBeforeItKnowsTheLogAndWhenItIsFull) {
  SinkRig rig(&world_);
  LogSinkOptions options;
  options.max_pending_bytes = 500;
  rig.Open(options);
  EXPECT_FALSE(rig.CanAccept());
  rig.Run();
  EXPECT_TRUE(rig.CanAccept());
  rig.Process({{1, std::string(1000, 'x')}});
  EXPECT_FALSE(rig.CanAccept());
  rig.Run();
  EXPECT_TRUE(rig.CanAccept());
}

TEST_F(LogSinkTest, WhatComesWhileItLoadsKeepsItsOrder) {
  SinkRig rig(&world_);
  rig.Open();
  rig.Process({{1, "a"}});
  const auto part = rig.Snapshot();
  rig.Process({{2, "b"}});
  ASSERT_TRUE(rig.sink().OnEndOfInput().ok());
  EXPECT_FALSE(part->finished);
  rig.Run();
  EXPECT_TRUE(part->finished);
  EXPECT_THAT(rig.events, ElementsAre("end"));
  // The checkpoint's end is that of its barrier, although "b" was written in the same go.
  auto next = Start(part->pieces, 2);
  next->Process({{2, "b"}, {3, "c"}});
  next->Run();
  EXPECT_EQ(next->Metric("weir_sink_deduplicated_total"), 1);
  EXPECT_EQ(Effects().size(), 3u);
}

TEST_F(LogSinkTest, ACheckpointWaitsForAppendAndSync) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  const auto part = rig->Snapshot();
  EXPECT_FALSE(part->finished);
  world_.env.RunPending();  // written, but the task does not know yet
  EXPECT_FALSE(part->finished);
  rig->Run();
  EXPECT_TRUE(part->finished);
  // And what it says survives power loss.
  for (uint64_t seed = 1; seed < 10; ++seed) {
    world_.PowerLoss(seed);
    EXPECT_EQ(world_.Contents("out", 0), "{\"ts\":1,\"text\":\"a\"}\n");
  }
}

TEST_F(LogSinkTest, AFailedSyncFailsCheckpointAndJob) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  SimFaults faults;
  faults.sync_error = 1;
  world_.env.fs.SetFaults(faults);
  const auto part = rig->Snapshot();
  rig->Run();
  EXPECT_TRUE(part->finished);
  EXPECT_EQ(ErrorNumber(part->status), 3004);
  EXPECT_THAT(rig->failures, ElementsAre(3004));
  EXPECT_EQ(rig->Metric("weir_sink_errors_total"), 1);
}

TEST_F(LogSinkTest, EndOfInputComesWhenAllIsSynced) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  ASSERT_TRUE(rig->sink().OnEndOfInput().ok());
  EXPECT_THAT(rig->events, IsEmpty());
  rig->Run();
  EXPECT_THAT(rig->events, ElementsAre("end"));
}

TEST_F(LogSinkTest, RepeatsNothingAfterARestore) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}, {2, "b"}});
  const auto pieces = Checkpoint(rig.get());
  rig->Process({{3, "c"}, {4, "d"}});
  rig->Run();
  rig->Kill();
  auto next = Start(pieces, 2);
  next->Process({{3, "c"}, {4, "d"}, {5, "e"}});
  next->Run();
  EXPECT_EQ(next->Metric("weir_sink_deduplicated_total"), 2);
  EXPECT_EQ(Effects().size(), 5u);
}

TEST_F(LogSinkTest, RepeatsNothingAfterAFreshStart) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}, {2, "b"}});
  rig->Run();
  rig->Kill();  // before any checkpoint
  auto next = Start({}, 2);
  next->Process({{1, "a"}, {2, "b"}, {3, "c"}});
  next->Run();
  EXPECT_EQ(Effects().size(), 3u);
}

TEST_F(LogSinkTest, OtherBytesUnderOneNameStopTheJob) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  rig->Run();
  rig->Kill();
  auto next = Start({}, 2);
  next->Process({{1, "changed"}});
  EXPECT_THAT(next->failures, ElementsAre(3006));
}

TEST_F(LogSinkTest, OldIncarnationsAreFencedInAllPartitions) {
  auto zombie0 = Start({}, 1, 0, 2);
  auto zombie1 = Start({}, 1, 1, 2);
  auto next = Start({}, 2);  // parallelism 1: partition 1 has no owner any more
  zombie0->Process({{1, "z"}});
  zombie1->Process({{2, "z"}});
  zombie0->Run();
  zombie1->Run();
  EXPECT_THAT(zombie0->failures, ElementsAre(3005));
  EXPECT_THAT(zombie1->failures, ElementsAre(3005));
  EXPECT_EQ(world_.Contents("out", 1), "");
}

TEST_F(LogSinkTest, ALogShorterThanTheCheckpointStopsTheJob) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}, {2, "b"}});
  const auto pieces = Checkpoint(rig.get());
  rig->Kill();
  ASSERT_TRUE(world_.env.fs.Truncate(LogWorld::Path("out", 0), 20).ok());
  world_.NewProcess();
  EXPECT_THAT(Start(pieces, 2)->failures, ElementsAre(3001));
  ASSERT_TRUE(world_.log->DeleteTopic("out").ok());
  EXPECT_THAT(Start(pieces, 3, 1, 2)->failures, ElementsAre(3003));
  EXPECT_THAT(Start({{"end/out/0", "junk junk"}}, 4)->failures, ElementsAre(4002));
}

// The second checkpoint comes before the first tail has been repeated to its end.
TEST_F(LogSinkTest, ATailIsRememberedUntilItIsSettled) {
  auto rig = Start({}, 1);
  const auto empty = Checkpoint(rig.get());
  rig->Process({{1, "a"}, {2, "b"}, {3, "c"}});
  rig->Run();
  rig->Kill();
  auto second = Start(empty, 2);
  second->Process({{1, "a"}});
  const auto midway = Checkpoint(second.get());
  second->Process({{2, "b"}});
  second->Run();
  second->Kill();
  auto third = Start(midway, 3);
  third->Process({{2, "b"}});
  const auto later = Checkpoint(third.get());
  third->Process({{3, "c"}, {4, "d"}});
  const auto settled = Checkpoint(third.get());
  third->Kill();
  EXPECT_EQ(Effects().size(), 4u);
  // After a crash of its own, from each of its checkpoints.
  auto fourth = Start(later, 4);
  fourth->Process({{3, "c"}, {4, "d"}});
  fourth->Run();
  EXPECT_EQ(Effects().size(), 4u);
  fourth->Kill();
  const auto plan = ReadTailPlan(settled, "out", 3'600'000);
  EXPECT_TRUE(plan->from.empty());
  EXPECT_EQ(plan->ends.at(0), 4);
  EXPECT_FALSE(ReadTailPlan(later, "out", 3'600'000)->from.empty());
}

TEST_F(LogSinkTest, ATailThatNeverComesAgainSettlesWithTime) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  rig->Run();
  rig->Kill();
  auto next = Start({}, 2);
  world_.env.AdvanceMs(3'600'000);
  EXPECT_FALSE(ReadTailPlan(Checkpoint(next.get()), "out", 3'600'000)->from.empty());
  world_.env.AdvanceMs(1);
  const auto pieces = Checkpoint(next.get());
  EXPECT_TRUE(ReadTailPlan(pieces, "out", 3'600'000)->from.empty());
  EXPECT_EQ(pieces.size(), 1u);
}

// A log that takes no larger records.
class NarrowLog : public ForwardingLog {
 public:
  NarrowLog(LogClient* log, size_t max_bytes) : ForwardingLog(log), max_bytes_(max_bytes) {}
  size_t max_record_bytes() const override { return max_bytes_; }

 private:
  const size_t max_bytes_;
};

TEST_F(LogSinkTest, CutsDeadLettersToWhatTheLogTakesAndNothingElse) {
  constexpr size_t kMaxBytes = 1000;
  LogSinkOptions options;
  options.log = std::make_shared<NarrowLog>(world_.log.get(), kMaxBytes);
  auto rig = Start({}, 1, 0, 1, options);
  RecordBatch letters(DeadLetterSchema());
  const std::string bytes(5000, 'x');
  LogItem item{};
  item.offset = 7;
  item.value = bytes;
  AppendDeadLetter({"in", 0, 0, kNoTimestamp}, item, Err(ErrorCode::kRecordNotJson, "not JSON"),
                   &letters);
  ASSERT_TRUE(rig->sink().Process(0, std::move(letters)).ok());
  rig->Process({{8, bytes}});
  rig->Run();
  const auto written = world_.ValuesAndEffects("out", 0);
  ASSERT_EQ(written.size(), 2u);
  EXPECT_LE(written[0].first.size(), kMaxBytes);
  EXPECT_NE(written[0].first.find(R"("truncated":true)"), std::string::npos) << written[0].first;
  EXPECT_EQ(written[1].first.size(), bytes.size() + std::string(R"({"ts":8,"text":""})").size());
}

// reliability B-48 put back: the checkpoint is complete before its output is on disk.
TEST_F(LogSinkTest, ThePlantedBugIsThere) {
  SimFailPoints points([] {});
  points.PlantBug("B-48");
  SetFailPoints(&points);
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  const auto part = rig->Snapshot();
  EXPECT_TRUE(part->finished);
  SetFailPoints(nullptr);
  EXPECT_EQ(world_.Contents("out", 0), "");
}

}  // namespace
}  // namespace weir
