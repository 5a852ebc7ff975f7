#include <algorithm>
#include <set>

#include "engine/base/random.h"
#include "engine/base/sim_fail_points.h"
#include "state/checkpoint/retention.h"
#include "tests/unit/state_checkpoint/test_storage.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionTest : public StorageTest {
 protected:
  bool Exists(const SegmentRef& ref) { return env_.fs.Exists(SharedPath(ref)); }
  void Collect(int retain, int64_t grace_ms) {
    const Status status = storage_->Collect(retain, grace_ms);
    EXPECT_TRUE(status.ok()) << status;
  }
};

// A disk on which one file cannot be looked at: EIO, or EACCES.
class BlindFileSystem : public SimFileSystem {
 public:
  StatusOr<uint64_t> FileSize(const std::string& path) override {
    if (path.find("chk-2/") == std::string::npos) return SimFileSystem::FileSize(path);
    return absl::PermissionDeniedError(path);
  }
};

// Skipped, the job would begin at chk-1, and collect what chk-2 holds.
TEST(ListCheckpoints, OneThatCannotBeSeenIsAnErrorAndNotOneThatIsAbsent) {
  BlindFileSystem fs;
  const CheckpointLayout layout("data", "job");
  for (const int64_t id : {1, 3}) {
    ASSERT_TRUE(fs.CreateDirs(layout.CheckpointDir(id)).ok());
    ASSERT_TRUE(fs.Create(CheckpointLayout::ManifestIn(layout.CheckpointDir(id))).ok());
  }
  EXPECT_THAT(ListCheckpoints(&fs, layout).value(), ElementsAre(1, 3));
  ASSERT_TRUE(fs.CreateDirs(layout.CheckpointDir(4)).ok());
  EXPECT_THAT(ListCheckpoints(&fs, layout).value(), ElementsAre(1, 3)) << "it was never complete";
  ASSERT_TRUE(fs.CreateDirs(layout.CheckpointDir(2)).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(ListCheckpoints(&fs, layout).status()));
}

TEST_F(RetentionTest, KeepsTheNewestAndWhatTheyShareWithOlderOnes) {
  const SegmentRef base = Write(1, "base");
  const SegmentRef delta2 = Write(2, "delta 2");
  const SegmentRef old = Write(1, "old");
  Publish(1, {base, old});
  Publish(2, {base, delta2});
  const SegmentRef delta3 = Write(3, "delta 3");
  Publish(3, {base, delta2, delta3});
  Collect(2, 0);
  EXPECT_THAT(*storage_->List(), ElementsAre(2, 3));
  EXPECT_FALSE(env_.fs.Exists("data/job/chk-1"));
  EXPECT_FALSE(Exists(old));
  for (const SegmentRef& ref : {base, delta2, delta3}) EXPECT_TRUE(Exists(ref));
  Collect(0, 0);
  EXPECT_THAT(*storage_->List(), ElementsAre(3)) << "at least one is kept";
}

TEST_F(RetentionTest, GraceRunsFromWhenGarbageWasFirstSeen) {
  const SegmentRef old = Write(1, "old");
  Publish(1, {old});
  Publish(2, {Write(2, "new")});
  Collect(1, 1000);
  env_.AdvanceMs(999);
  Collect(1, 1000);
  EXPECT_TRUE(Exists(old));
  env_.AdvanceMs(1);
  Collect(1, 1000);
  EXPECT_FALSE(Exists(old));
}

TEST_F(RetentionTest, GarbageThatIsNamedAgainStartsAnew) {
  const SegmentRef a = Write(1, "a");
  Publish(1, {a});
  Publish(2, {Write(2, "b")});
  Collect(1, 1000);
  env_.AdvanceMs(600);
  Publish(3, {Write(3, "a")});
  Collect(1, 1000);
  Publish(4, {Write(4, "b")});
  env_.AdvanceMs(600);
  Collect(1, 1000);
  EXPECT_TRUE(Exists(a)) << "1200 ms after it was first garbage, 0 ms after it was again";
}

TEST_F(RetentionTest, SegmentsOfACheckpointInFlightAreSafe) {
  Publish(1, {Write(1, "a")});
  const SegmentRef b = Write(2, "b");
  for (int i = 0; i < 3; ++i) {
    Collect(1, 0);
    env_.AdvanceMs(1'000'000);
  }
  EXPECT_TRUE(Exists(b));
  Publish(2, {b});
  EXPECT_TRUE(Exists(b));
}

TEST_F(RetentionTest, ReuseOfGarbageMakesItSafe) {
  const SegmentRef a = Write(1, "a");
  Publish(1, {a});
  Publish(2, {Write(2, "b")});
  Write(3, "a");  // nothing is written, the file is there
  Collect(1, 0);
  EXPECT_TRUE(Exists(a));
}

TEST_F(RetentionTest, SegmentsOfAnAbortedCheckpointGoOnceALaterOneStands) {
  const SegmentRef aborted = Write(2, "aborted");
  const SegmentRef needed = Write(2, "a delta that later checkpoints still need");
  Publish(3, {Write(3, "c"), needed});
  Collect(1, 0);
  EXPECT_FALSE(Exists(aborted));
  EXPECT_TRUE(Exists(needed));
}

TEST_F(RetentionTest, SegmentsOfADeadProcessGo) {
  Publish(1, {Write(1, "a")});
  const SegmentRef lost = Write(2, "lost");
  Overwrite("data/job/shared/half.1-2.tmp", "half");
  Reopen();
  Collect(1, 1000);
  EXPECT_TRUE(Exists(lost));
  env_.AdvanceMs(1000);
  Collect(1, 1000);
  EXPECT_FALSE(Exists(lost));
  EXPECT_EQ(Shared().size(), 1u);
}

TEST_F(RetentionTest, HalfWrittenFoldersGoUnlessTheyMayBeInProgress) {
  for (const char* dir : {"data/job/chk-1", "data/job/chk-3"}) {
    ASSERT_TRUE(env_.fs.CreateDirs(dir).ok());
    Overwrite(JoinPath(dir, "MANIFEST.1-2.tmp"), "half");
  }
  Publish(2, {Write(2, "a")});
  Collect(1, 0);
  EXPECT_FALSE(env_.fs.Exists("data/job/chk-1"));
  EXPECT_TRUE(env_.fs.Exists("data/job/chk-3"));
}

TEST_F(RetentionTest, ManifestThatCannotBeReadStopsTheCollection) {
  const SegmentRef a = Write(1, "a");
  Publish(1, {a});
  Publish(2, {Write(2, "b")});
  const SegmentRef garbage = Write(2, "garbage");
  Publish(3, {Write(3, "c")});
  Overwrite("data/job/chk-2/MANIFEST", "bad");
  EXPECT_EQ(NumberOf(storage_->Collect(2, 0)), kCorrupt);
  EXPECT_TRUE(Exists(garbage));
}

TEST_F(RetentionTest, SavepointsCountAndStay) {
  const SegmentRef shared = Write(1, "a");
  Publish(1, {shared});
  const SegmentRef own = Write(1, "a", "sp");
  EXPECT_EQ(own.sha256, shared.sha256);
  Publish(1, {own}, "sp");
  Publish(2, {Write(2, "b")});
  Collect(1, 0);
  EXPECT_TRUE(storage_->Verify(*storage_->ReadSavepoint("sp"), "sp").ok());
}

TEST_F(RetentionTest, ASavepointThatCannotBeReadStopsNothing) {
  const SegmentRef old = Write(1, "a");
  Publish(1, {old});
  Publish(1, {Write(1, "a", "sp")}, "sp");
  Publish(2, {Write(2, "b")});
  Overwrite("data/job/savepoints/sp/MANIFEST", "bad");
  Collect(1, 0);
  EXPECT_FALSE(Exists(old));
}

TEST_F(RetentionTest, NothingThereIsFine) { Collect(3, 0); }

// A coordinator's life, with aborts, restarts and shared segments: what is listed is always whole,
// and what nothing names goes.
void RandomLife(uint64_t seed, bool* broken) {
  TestEnv env;
  auto storage = NewFileCheckpointStorage(env.env(), "data", "job");
  Random random(seed);
  std::vector<SegmentRef> chain;
  int64_t id = 0;
  for (int step = 0; step < 150; ++step) {
    ++id;
    // Few different contents: the same file is garbage and wanted again, over and over.
    const std::string text = "content " + std::to_string(random.Uniform(6));
    const StatusOr<SegmentRef> ref = storage->WriteSegment(StateOf(id, text), "");
    ASSERT_TRUE(ref.ok()) << ref.status();
    if (random.OneIn(3)) chain.clear();
    chain.push_back(*ref);
    if (random.OneIn(5)) {
      ASSERT_TRUE(storage->Collect(2, 50).ok());
    }
    if (!random.OneIn(4)) {
      const Status published = storage->WriteManifest(ManifestOf(id, chain), "");
      if (!published.ok()) *broken = true;  // a segment of the chain has gone
      if (*broken) return;
    } else {
      chain.clear();  // aborted
    }
    env.AdvanceMs(static_cast<int64_t>(random.Uniform(60)));
    ASSERT_TRUE(storage->Collect(1 + static_cast<int>(random.Uniform(3)), 50).ok());
    if (random.OneIn(10)) {
      storage = NewFileCheckpointStorage(env.env(), "data", "job");
      chain.clear();
    }
    const std::vector<int64_t> listed = *storage->List();
    for (const int64_t complete : listed) {
      const StatusOr<Manifest> manifest = storage->ReadManifest(complete);
      ASSERT_TRUE(manifest.ok()) << manifest.status();
      if (!storage->Verify(*manifest, "").ok()) *broken = true;
    }
  }
  ASSERT_TRUE(storage->WriteManifest(ManifestOf(id + 1, {}), "").ok());
  ASSERT_TRUE(storage->Collect(1, 0).ok());
  EXPECT_THAT(*env.fs.List("data/job/shared"), IsEmpty()) << "nothing leaks";
}

TEST(Retention, RandomLife) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    bool broken = false;
    RandomLife(seed, &broken);
    ASSERT_FALSE(broken) << "seed " << seed;
  }
}

TEST(Retention, RandomLifeFindsThePlantedBug) {
  SimFailPoints points([] {});
  points.PlantBug("gc-marks-newest-only");
  SetFailPoints(&points);
  bool broken = false;
  for (uint64_t seed = 1; seed <= 5 && !broken; ++seed) RandomLife(seed, &broken);
  SetFailPoints(nullptr);
  EXPECT_TRUE(broken);
}

}  // namespace
}  // namespace weir
