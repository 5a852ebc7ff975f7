#include <algorithm>

#include "engine/base/hash.h"
#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Epochs = StorageTest;
using Segments = StorageTest;
using Checkpoints = StorageTest;
using Savepoints = StorageTest;

TEST_F(Epochs, CountUpwardsForEver) {
  EXPECT_EQ(*storage_->OpenEpoch(), 1);
  EXPECT_EQ(*storage_->OpenEpoch(), 2) << "the lock is kept, not taken twice";
  Reopen();
  ASSERT_TRUE(env_.fs.CreateExclusive("data/job/epoch/41", "").ok());
  ASSERT_TRUE(env_.fs.CreateExclusive("data/job/epoch/not-a-number", "").ok());
  ASSERT_TRUE(env_.fs.CreateExclusive("data/job/epoch/099", "").ok());
  EXPECT_EQ(*storage_->OpenEpoch(), 42);
  ASSERT_TRUE(storage_->DeleteAll().ok());
  EXPECT_EQ(*storage_->OpenEpoch(), 43) << "an epoch never comes again, not even after --fresh";
}

TEST_F(Epochs, OneProcessAtATime) {
  ASSERT_TRUE(storage_->OpenEpoch().ok());
  auto second = NewFileCheckpointStorage(env_.env(), "data", "job");
  EXPECT_EQ(NumberOf(second->OpenEpoch().status()), static_cast<int>(ErrorCode::kStateLocked));
  auto other_job = NewFileCheckpointStorage(env_.env(), "data", "other");
  EXPECT_TRUE(other_job->OpenEpoch().ok());
  storage_.reset();
  EXPECT_EQ(*second->OpenEpoch(), 2);
}

TEST_F(Segments, AreNamedByTheirContentAndStoredOnce) {
  const SegmentRef a = Write(1, "a");
  const std::string file = *env_.fs.ReadFile(SharedPath(a));
  EXPECT_EQ(a.sha256, HexEncode(Sha256(file)));
  EXPECT_EQ(a.bytes, static_cast<int64_t>(file.size()));
  EXPECT_EQ(Write(2, "a").sha256, a.sha256);
  Write(2, "b");
  EXPECT_EQ(Shared().size(), 2u);
  EXPECT_THAT(*Read(a), ElementsAre("a"));
}

TEST_F(Segments, TornFileOfTheSameNameIsReplaced) {
  const SegmentRef a = Write(1, "a");
  Overwrite(SharedPath(a), "torn");
  Write(2, "a");
  EXPECT_THAT(*Read(a), ElementsAre("a"));
}

TEST_F(Segments, DamagedFileOfTheSameNameAndSizeIsReplaced) {
  const SegmentRef a = Write(1, "a");
  std::string file = *env_.fs.ReadFile(SharedPath(a));
  file.back() ^= 1;
  Overwrite(SharedPath(a), file);
  Write(2, "a");
  EXPECT_THAT(*Read(a), ElementsAre("a"));
}

TEST_F(Segments, MissingExchangedOrStaleFilesAreFound) {
  const SegmentRef a = Write(1, "a");
  const SegmentRef b = Write(1, "b");
  // Whole and valid, but the other one: a misdirected write.
  Overwrite(SharedPath(a), *env_.fs.ReadFile(SharedPath(b)));
  Status status = Read(a).status();
  EXPECT_EQ(NumberOf(status), kCorrupt);
  EXPECT_THAT(std::string(status.message()), HasSubstr(a.sha256));
  ASSERT_TRUE(env_.fs.Remove(SharedPath(a)).ok());
  status = Read(a).status();
  EXPECT_EQ(NumberOf(status), kCorrupt);
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));
  EXPECT_EQ(NumberOf(storage_->Verify(ManifestOf(1, {b, a}), "")), kCorrupt);
  EXPECT_TRUE(storage_->Verify(ManifestOf(1, {b, b}), "").ok());
}

TEST_F(Segments, VerifyReadsEveryByte) {
  const SegmentRef a = Write(1, "a");
  const std::string file = *env_.fs.ReadFile(SharedPath(a));
  for (size_t i = 0; i < file.size(); ++i) {
    std::string flipped = file;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    Overwrite(SharedPath(a), flipped);
    ASSERT_EQ(NumberOf(storage_->Verify(ManifestOf(1, {a}), "")), kCorrupt) << i;
    int calls = 0;
    const auto count = [&](const SealedTable&, const StateRecord&) {
      ++calls;
      return absl::OkStatus();
    };
    ASSERT_EQ(NumberOf(storage_->ReadSegment(a, "", count)), kCorrupt);
    ASSERT_EQ(calls, 0) << "nothing is fed before all is checked";
  }
}

TEST_F(Checkpoints, AreCompleteOnceTheirManifestStands) {
  EXPECT_THAT(*storage_->List(), IsEmpty());
  Publish(9, {Write(9, "a")});
  Publish(10, {Write(10, "b")});
  ASSERT_TRUE(env_.fs.CreateDirs("data/job/chk-11").ok());
  ASSERT_TRUE(env_.fs.CreateDirs("data/job/chk-x").ok());
  EXPECT_THAT(*storage_->List(), ElementsAre(9, 10)) << "by number, not by name";
  Reopen();
  const StatusOr<Manifest> manifest = storage_->ReadManifest(10);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_TRUE(storage_->Verify(*manifest, "").ok());
  const Status missing = storage_->ReadManifest(11).status();
  EXPECT_EQ(NumberOf(missing), static_cast<int>(ErrorCode::kStateNoCheckpoint));
}

TEST_F(Checkpoints, ManifestOfAnotherCheckpointIsFound) {
  Publish(1, {Write(1, "a")});
  Publish(2, {Write(2, "b")});
  Overwrite("data/job/chk-2/MANIFEST", *env_.fs.ReadFile("data/job/chk-1/MANIFEST"));
  const Status status = storage_->ReadManifest(2).status();
  EXPECT_EQ(NumberOf(status), kCorrupt);
  EXPECT_THAT(std::string(status.message()), HasSubstr("data/job/chk-2/MANIFEST"));
}

TEST_F(Checkpoints, ManifestNamesOnlyWhatIsThere) {
  const SegmentRef a = Write(1, "a");
  ASSERT_TRUE(env_.fs.Remove(SharedPath(a)).ok());
  EXPECT_EQ(NumberOf(storage_->WriteManifest(ManifestOf(1, {a}), "")), kCorrupt);
  EXPECT_THAT(*storage_->List(), IsEmpty());
}

TEST_F(Checkpoints, DeleteAllLeavesSavepoints) {
  Publish(1, {Write(1, "a")});
  const SegmentRef kept = Write(2, "b", "sp");
  Publish(2, {kept}, "sp");
  ASSERT_TRUE(storage_->DeleteAll().ok());
  EXPECT_THAT(*storage_->List(), IsEmpty());
  EXPECT_THAT(Shared(), IsEmpty());
  EXPECT_TRUE(storage_->Verify(*storage_->ReadSavepoint("sp"), "sp").ok());
  EXPECT_TRUE(storage_->DeleteAll().ok()) << "nothing there is fine";
}

TEST_F(Savepoints, AreSelfContainedAndCanBeMoved) {
  const SegmentRef ref = Write(5, "a", "before-upgrade");
  Publish(5, {ref}, "before-upgrade");
  EXPECT_THAT(Shared(), IsEmpty());
  EXPECT_THAT(*storage_->List(), IsEmpty()) << "a savepoint is no checkpoint";
  const std::string from = "data/job/savepoints/before-upgrade";
  ASSERT_TRUE(env_.fs.CreateDirs("elsewhere/copy").ok());
  const std::vector<std::string> names = *env_.fs.List(from);
  for (const std::string& name : names) {
    Overwrite(JoinPath("elsewhere/copy", name), *env_.fs.ReadFile(JoinPath(from, name)));
  }
  ASSERT_TRUE(env_.fs.RemoveAll("data").ok());
  auto other = NewFileCheckpointStorage(env_.env(), "other-root", "other-job");
  const StatusOr<Manifest> manifest = other->ReadSavepoint("elsewhere/copy");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_TRUE(manifest->savepoint);
  EXPECT_TRUE(other->Verify(*manifest, "elsewhere/copy").ok());
  storage_ = std::move(other);
  EXPECT_THAT(*Read(ref, "elsewhere/copy"), ElementsAre("a"));
}

TEST_F(Savepoints, CanBeWrittenToAPath) {
  Publish(1, {Write(1, "a", "backups/sp")}, "backups/sp");
  EXPECT_TRUE(storage_->Verify(*storage_->ReadSavepoint("backups/sp"), "backups/sp").ok());
}

TEST_F(Savepoints, AreNeverOverwritten) {
  Publish(1, {Write(1, "a", "sp")}, "sp");
  const Status again = storage_->WriteSegment(StateOf(2, "b"), "sp").status();
  EXPECT_EQ(NumberOf(again), static_cast<int>(ErrorCode::kStateIo));
  EXPECT_THAT(std::string(again.message()), HasSubstr("savepoint 'sp' exists already"));
  EXPECT_FALSE(storage_->WriteManifest(ManifestOf(2, {}), "sp").ok());
  EXPECT_EQ(storage_->ReadSavepoint("sp")->id, 1);
}

TEST_F(Savepoints, NamesAreChecked) {
  for (const char* bad : {".", ".."}) {
    EXPECT_FALSE(storage_->WriteSegment(StateOf(1, "a"), bad).ok()) << bad;
    EXPECT_FALSE(storage_->ReadSavepoint(bad).ok()) << bad;
  }
  EXPECT_EQ(NumberOf(storage_->ReadSavepoint("none").status()),
            static_cast<int>(ErrorCode::kStateNoCheckpoint));
}

}  // namespace
}  // namespace weir
