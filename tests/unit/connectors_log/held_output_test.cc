// delivery: exactly_once (DESIGN D10): output waits for its checkpoint, and comes once.
#include "log_rig.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HeldOutputTest : public ::testing::Test {
 protected:
  std::unique_ptr<SinkRig> Start(const std::vector<StatePiece>& pieces, int64_t epoch,
                                 int subtask = 0, int parallelism = 1, size_t max_held = 1 << 20) {
    auto rig = std::make_unique<SinkRig>(&world_, subtask, parallelism, epoch);
    LogSinkOptions options;
    options.exactly_once = true;
    options.max_held_bytes = max_held;
    rig->Open(std::move(options));
    if (!pieces.empty()) rig->Restore(pieces);
    rig->CanAccept();
    rig->Run();
    return rig;
  }
  std::vector<StatePiece> Snapshot(SinkRig* rig, int64_t id) {
    const auto part = rig->Snapshot(id);
    rig->Run();
    EXPECT_TRUE(part->finished && part->status.ok());
    return part->pieces;
  }
  void Complete(SinkRig* rig, int64_t id) {
    rig->sink().OnCheckpointComplete(id);
    rig->Run();
    EXPECT_TRUE(rig->sink().Committed());
  }
  std::vector<std::string> Texts(int partition = 0) {
    std::vector<std::string> texts;
    for (const auto& [value, id] : world_.ValuesAndEffects("out", partition)) {
      const size_t begin = value.find("\"text\":\"") + 8;
      texts.push_back(value.substr(begin, value.size() - begin - 2));
    }
    return texts;
  }
  LogWorld world_;
};

TEST_F(HeldOutputTest, NothingIsSeenBeforeItsCheckpointIsComplete) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  rig->Run();
  Snapshot(rig.get(), 1);
  rig->Process({{2, "b"}});
  rig->Run();
  EXPECT_THAT(Texts(), IsEmpty());
  Complete(rig.get(), 1);
  EXPECT_THAT(Texts(), ElementsAre("a"));
  Snapshot(rig.get(), 2);
  Complete(rig.get(), 2);
  EXPECT_THAT(Texts(), ElementsAre("a", "b"));
}

TEST_F(HeldOutputTest, ACheckpointThatFailsIsCoveredByTheNext) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  Snapshot(rig.get(), 1);
  rig->Process({{2, "b"}});
  const auto pieces = Snapshot(rig.get(), 2);
  Complete(rig.get(), 2);
  EXPECT_THAT(Texts(), ElementsAre("a", "b"));
  // Killed before the log had them: all of it is in the newer checkpoint.
  LogWorld fresh;
  SinkRig other(&fresh, 0, 1, 2);
  LogSinkOptions options;
  options.exactly_once = true;
  other.Open(options);
  std::vector<StatePiece> held;
  for (const StatePiece& piece : pieces) {
    if (piece.name.starts_with("held/")) held.push_back(piece);
  }
  other.Restore(held);
  other.Run();
  EXPECT_EQ(fresh.ValuesAndEffects("out", 0).size(), 2u);
}

TEST_F(HeldOutputTest, ARestoreWritesWhatTheCheckpointHoldsAndTheLogDoesNot) {
  std::vector<StatePiece> pieces;
  {
    auto rig = Start({}, 1);
    rig->Process({{1, "a"}, {2, "b"}});
    pieces = Snapshot(rig.get(), 1);
    rig->Process({{3, "lost, and computed again"}});
    rig->Kill();
  }
  auto rig = Start(pieces, 2);
  EXPECT_TRUE(rig->sink().Committed());
  EXPECT_THAT(Texts(), ElementsAre("a", "b"));
  rig->Process({{3, "c"}});
  Snapshot(rig.get(), 2);
  Complete(rig.get(), 2);
  EXPECT_THAT(Texts(), ElementsAre("a", "b", "c"));
}

TEST_F(HeldOutputTest, ARestoreRepeatsNothingThatWasWrittenBeforeTheCrash) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  const auto pieces = Snapshot(rig.get(), 1);
  Complete(rig.get(), 1);
  rig->Kill();
  world_.NewProcess();
  rig = Start(pieces, 2);
  EXPECT_THAT(Texts(), ElementsAre("a"));
  // What came of it is remembered: the next checkpoint holds nothing any more.
  for (const StatePiece& piece : Snapshot(rig.get(), 2)) {
    EXPECT_FALSE(piece.name.starts_with("held/")) << piece.name;
  }
}

// Written, not synced: the log may lose it, so the next checkpoint still holds it.
TEST_F(HeldOutputTest, ASegmentStaysInCheckpointsUntilItIsDurable) {
  auto rig = Start({}, 1);
  rig->Process({{1, "a"}});
  Snapshot(rig.get(), 1);
  rig->sink().OnCheckpointComplete(1);  // nothing has run yet
  EXPECT_FALSE(rig->sink().Committed());
  const auto part = rig->Snapshot(2);
  rig->Kill();
  world_.PowerLoss(7);
  auto next = Start(part->pieces, 2);
  EXPECT_THAT(Texts(), ElementsAre("a"));
}

TEST_F(HeldOutputTest, AnotherParallelismWritesTheSegmentsOfSubtasksThatAreGone) {
  std::vector<StatePiece> pieces;
  for (int subtask = 0; subtask < 3; ++subtask) {
    auto rig = Start({}, 1, subtask, 3);
    rig->Process({{subtask, "of " + std::to_string(subtask)}}, subtask);
    for (StatePiece& piece : Snapshot(rig.get(), 1)) pieces.push_back(std::move(piece));
    rig->Kill();
  }
  auto rig = Start(pieces, 2, 0, 1);
  EXPECT_THAT(Texts(0), ElementsAre("of 0", "of 1", "of 2"));
}

TEST_F(HeldOutputTest, AsksForACheckpointBeforeItIsFullAndFailsWhenItIs) {
  auto rig = Start({}, 1, 0, 1, 4000);
  rig->Process({{1, std::string(1500, 'x')}});
  rig->Process({{2, "y"}});
  EXPECT_EQ(rig->checkpoints_wanted, 1);
  EXPECT_THAT(rig->failures, IsEmpty());
  rig->Process({{3, std::string(3000, 'x')}});
  EXPECT_THAT(rig->failures, ElementsAre(7002));
}

TEST_F(HeldOutputTest, RecordsWithoutACauseAreNamedByTheirPlaceInTheCheckpoint) {
  auto rig = Start({}, 1);
  rig->Process({{-1, "a"}, {-1, "b"}});
  const auto pieces = Snapshot(rig.get(), 1);
  Complete(rig.get(), 1);
  rig->Kill();
  world_.NewProcess();
  rig = Start(pieces, 2);
  EXPECT_THAT(Texts(), ElementsAre("a", "b"));
  const auto written = world_.ValuesAndEffects("out", 0);
  EXPECT_NE(written[0].second, written[1].second);
  EXPECT_EQ(written[0].second.size(), 32u);
}

}  // namespace
}  // namespace weir
