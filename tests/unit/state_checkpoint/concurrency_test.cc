// The store on a real directory, used by several I/O threads at once.
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

class RealStoreTest : public ::testing::Test {
 protected:
  RealStoreTest() : root_(::testing::TempDir() + "weir_store_" + std::to_string(::getpid())) {
    env_.fs = fs_.get();
    env_.clock = &clock_;
    storage_ = NewFileCheckpointStorage(env_, root_, "job");
  }
  ~RealStoreTest() override { (void)fs_->RemoveAll(root_); }

  const std::string root_;
  SystemClock clock_;
  std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  Env env_;
  std::unique_ptr<CheckpointStorage> storage_;
};

// Writers share contents, a collector without grace runs all the time: a manifest must never find
// one of its segments gone.
TEST_F(RealStoreTest, WritersAndCollectorAtOnce) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 15;
  ASSERT_EQ(*storage_->OpenEpoch(), 1);
  std::atomic<bool> done{false};
  std::thread collector([&] {
    while (!done) {
      const Status status = storage_->Collect(1, 0);
      EXPECT_TRUE(status.ok()) << status;
    }
  });
  for (int64_t id = 1; id <= kRounds; ++id) {
    std::vector<SegmentRef> refs(kWriters);
    std::vector<std::thread> writers;
    for (size_t i = 0; i < refs.size(); ++i) {
      writers.emplace_back([&, i] {
        // Two writers make the same file, and every third round makes it anew.
        const std::string text = std::to_string(i / 2) + " " + std::to_string(id % 3);
        const StatusOr<SegmentRef> ref = storage_->WriteSegment(StateOf(id, text), "");
        EXPECT_TRUE(ref.ok()) << ref.status();
        if (ref.ok()) refs[i] = *ref;
      });
    }
    for (std::thread& writer : writers) writer.join();
    const Manifest manifest = ManifestOf(id, refs);
    const Status published = storage_->WriteManifest(manifest, "");
    ASSERT_TRUE(published.ok()) << published;
    const Status whole = storage_->Verify(manifest, "");
    EXPECT_TRUE(whole.ok()) << whole;
  }
  done = true;
  collector.join();
  ASSERT_TRUE(storage_->Collect(1, 0).ok());
  EXPECT_EQ(*storage_->List(), std::vector<int64_t>{kRounds});
  EXPECT_EQ(fs_->List(JoinPath(root_, "job/shared"))->size(), 2u);
}

TEST_F(RealStoreTest, LockHoldsBetweenObjects) {
  ASSERT_TRUE(storage_->OpenEpoch().ok());
  auto second = NewFileCheckpointStorage(env_, root_, "job");
  EXPECT_EQ(NumberOf(second->OpenEpoch().status()), static_cast<int>(ErrorCode::kStateLocked));
}

}  // namespace
}  // namespace weir
