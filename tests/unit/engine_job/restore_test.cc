// Where a job begins, and with which time.
#include "engine/job/restore.h"

#include "engine/base/bytes.h"
#include "engine/model/record_batch.h"
#include "engine/runtime/task_snapshot.h"
#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

class RestorePointTest : public StorageTest {
 protected:
  void PublishOf(int64_t epoch, int64_t id, const std::string& savepoint = {}) {
    Manifest manifest = ManifestOf(id, {Write(id, std::to_string(id), savepoint)});
    manifest.epoch = epoch;
    manifest.savepoint = !savepoint.empty();
    ASSERT_TRUE(storage_->WriteManifest(manifest, savepoint).ok());
  }
  StatusOr<RestorePoint> Choose(bool allow_fallback = false) {
    RestoreOptions options;
    options.allow_fallback = allow_fallback;
    return ChooseRestorePoint(storage_.get(), options);
  }
};

TEST_F(RestorePointTest, IsTheSavepointUntilACheckpointFollowsIt) {
  PublishOf(1, 3, "good");
  PublishOf(2, 7);  // what the start from the savepoint gives up
  EXPECT_EQ(Choose()->manifest->id, 7);
  ASSERT_TRUE(storage_->NoteSavepointStart({3, "good"}).ok());
  Reopen();
  EXPECT_EQ(Choose()->manifest->id, 3);
  EXPECT_EQ(Choose()->savepoint, "good");
  PublishOf(4, 8);  // the restart after a crash
  EXPECT_EQ(Choose()->manifest->id, 8);
  EXPECT_EQ(Choose()->savepoint, "");
  // What was given up stays given up when something newer is damaged.
  Overwrite("data/job/chk-8/MANIFEST", "bad");
  EXPECT_EQ(NumberOf(Choose().status()), kCorrupt);
  EXPECT_EQ(Choose(true)->manifest->id, 3);
}

TEST_F(RestorePointTest, AnUnreadableNoteStopsTheJob) {
  PublishOf(1, 1);
  ASSERT_TRUE(storage_->NoteSavepointStart({3, "gone"}).ok());
  EXPECT_EQ(NumberOf(Choose().status()), static_cast<int>(ErrorCode::kStateNoCheckpoint));
  Overwrite("data/job/SAVEPOINT-START", "x");
  EXPECT_EQ(NumberOf(Choose().status()), kCorrupt);
  ASSERT_TRUE(storage_->DeleteAll().ok());
  EXPECT_EQ(Choose()->manifest, nullptr);
}

SubtaskState WithWatermark(int subtask, int64_t ms) {
  SubtaskState state;
  state.subtask = subtask;
  if (ms == kNoTimestamp) return state;
  StatePiece piece{std::string(kWatermarkPiece), {}};
  PutSigned(&piece.bytes, ms);
  state.pieces = {piece, {"other", "x"}};
  return state;
}

TEST(RestoredWatermark, IsTheSubtasksOwnOrTheLeastOfAll) {
  OperatorState state;
  state.parallelism = 3;
  state.subtasks = {WithWatermark(0, 50), WithWatermark(1, 40), WithWatermark(2, kNoTimestamp)};
  EXPECT_EQ(RestoredWatermark(state, 0, 3), 50);
  EXPECT_EQ(RestoredWatermark(state, 1, 3), 40);
  EXPECT_EQ(RestoredWatermark(state, 2, 3), kNoTimestamp);
  EXPECT_EQ(RestoredWatermark(state, 0, 2), 40);
  EXPECT_EQ(CollectPieces(state).size(), 2u);
}

TEST_F(RestorePointTest, StateOfAnOperatorThatKeepsNoneIsRefused) {
  SealedState sealed = StateOf(1, "a");
  sealed.tables[0].broadcast = true;
  const SegmentRef ref = *storage_->WriteSegment(std::move(sealed), "");
  const Manifest manifest = ManifestOf(1, {ref});
  const RestorePoint point{std::make_shared<const Manifest>(manifest), ""};
  const RestoreTarget target{"uid-1", {nullptr, nullptr}};
  EXPECT_EQ(NumberOf(RestoreKeyedState(storage_.get(), point, manifest.operators[0], target)),
            static_cast<int>(ErrorCode::kStateIncompatible));
}

}  // namespace
}  // namespace weir
