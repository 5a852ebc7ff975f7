// What a crash may and may not take away. Each property is checked over many seeds, and so is that
// the bad case it guards against does occur: a simulated disk that loses nothing proves nothing.
#include "engine/base/sim_file_system.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_join.h"
#include "engine/base/fail_point.h"
#include "engine/base/sim_fail_points.h"

namespace weir {
namespace {

constexpr uint64_t kSeeds = 300;

void Append(SimFileSystem* fs, const std::string& path, std::string_view data, bool sync) {
  auto file = fs->OpenAppend(path).value();
  ASSERT_TRUE(file->Append(data).ok());
  if (sync) {
    ASSERT_TRUE(file->Sync().ok());
  }
}

std::string AfterCrash(SimFileSystem* fs, uint64_t seed, const std::string& path) {
  Random random(seed);
  fs->Crash(&random);
  return fs->Exists(path) ? fs->ReadFile(path).value() : "(missing)";
}

TEST(SimFileSystemTest, SyncedBytesSurviveUnsyncedOnesMayGo) {
  std::set<size_t> lengths;
  int torn = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    const std::string synced(700, 's');
    const std::string unsynced(1500, 'u');
    Append(&fs, "f", synced, true);
    ASSERT_TRUE(fs.SyncDir("/").ok());
    Append(&fs, "f", unsynced, false);
    const std::string left = AfterCrash(&fs, seed, "f");
    ASSERT_GE(left.size(), synced.size());
    ASSERT_LE(left.size(), synced.size() + unsynced.size());
    ASSERT_EQ(left.substr(0, synced.size()), synced) << "seed " << seed;
    const std::string tail = left.substr(synced.size());
    lengths.insert(tail.size());
    const size_t whole = tail.find_first_not_of('u');
    if (whole == std::string::npos) continue;
    ++torn;
    ASSERT_GE(synced.size() + whole, (left.size() - 1) / 512 * 512) << "only the last sector tears";
  }
  EXPECT_GT(lengths.size(), 50u);
  EXPECT_TRUE(lengths.count(0) == 1 && lengths.count(1500) == 1);
  EXPECT_GT(torn, 20);
}

TEST(SimFileSystemTest, ASecondCrashTakesNothingMore) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    Append(&fs, "f", "abcdefgh", false);
    ASSERT_TRUE(fs.SyncDir("/").ok());
    const std::string first = AfterCrash(&fs, seed, "f");
    ASSERT_EQ(AfterCrash(&fs, seed + 1, "f"), first);
  }
}

TEST(SimFileSystemTest, ANameNeedsSyncDir) {
  int missing = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    Append(&fs, "f", "x", true);
    missing += AfterCrash(&fs, seed, "f") == "(missing)" ? 1 : 0;
  }
  EXPECT_GT(missing, 50);
  EXPECT_LT(missing, static_cast<int>(kSeeds));
}

TEST(SimFileSystemTest, OperationsOfOneDirectorySurviveAsAPrefix) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(fs.CreateExclusive(name, "x").ok());
    ASSERT_TRUE(fs.Remove("a").ok());
    ASSERT_TRUE(fs.Rename("b", "d").ok());
    ASSERT_TRUE(fs.Link("c", "e").ok());
    Random random(seed);
    fs.Crash(&random);
    const std::vector<std::string> left = fs.List("/").value();
    outcomes.insert(absl::StrJoin(left, ""));
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"abc", "bc", "cd", "cde"}));
}

TEST(SimFileSystemTest, RenameOverDirectoriesNeverLosesTheFile) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    ASSERT_TRUE(fs.CreateDirs("from").ok());
    ASSERT_TRUE(fs.CreateDirs("to").ok());
    ASSERT_TRUE(fs.WriteFileAtomic("from/x", "X").ok());
    ASSERT_TRUE(fs.Rename("from/x", "to/x").ok());
    if (seed % 3 == 0) {
      ASSERT_TRUE(fs.SyncDir("from").ok());
    }
    Random random(seed);
    fs.Crash(&random);
    ASSERT_NE(fs.Exists("from/x"), fs.Exists("to/x")) << "seed " << seed;
    if (seed % 3 == 0) {
      ASSERT_TRUE(fs.Exists("to/x"));
    }
    outcomes.insert(fs.Files().at(0));
  }
  EXPECT_EQ(outcomes.size(), 2u);
}

// Syncing one directory of such a rename takes along what came before it in the other.
TEST(SimFileSystemTest, SyncOfTheTargetSettlesTheSourceToo) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    ASSERT_TRUE(fs.CreateDirs("from").ok());
    ASSERT_TRUE(fs.CreateDirs("to").ok());
    ASSERT_TRUE(fs.Create("from/x").ok());
    ASSERT_TRUE(fs.Rename("from/x", "to/x").ok());
    ASSERT_TRUE(fs.SyncDir("to").ok());
    Random random(seed);
    fs.Crash(&random);
    ASSERT_EQ(fs.Files(), std::vector<std::string>{"to/x"}) << "seed " << seed;
  }
}

class AtomicWriteTest : public testing::Test {
 protected:
  AtomicWriteTest() { SetFailPoints(&points_); }
  ~AtomicWriteTest() override { SetFailPoints(nullptr); }
  SimFileSystem* fs_ = nullptr;
  SimFailPoints points_{[this] { fs_->Freeze(); }};

  // The outcome when the process dies at the k-th operation (0: after the last).
  std::string Outcome(uint64_t seed, uint64_t k) {
    SimFileSystem fs(seed);
    fs_ = &fs;
    points_.Revive();
    points_.DoNotCrash();
    EXPECT_TRUE(fs.WriteFileAtomic("f", "old").ok());
    if (k > 0) points_.CrashAtHit(k);
    EXPECT_TRUE(fs.WriteFileAtomic("f", "new content").ok()) << "the dying process notices nothing";
    EXPECT_EQ(fs.ReadFile("f").value(), "new content");
    crashed_ = points_.crashed();
    return AfterCrash(&fs, seed, "f");
  }
  bool crashed_ = false;
};

TEST_F(AtomicWriteTest, AllOrNothingAtEveryPoint) {
  std::set<std::string> outcomes;
  uint64_t k = 1;
  for (; k < 100; ++k) {
    for (uint64_t seed = 0; seed < 50; ++seed) outcomes.insert(Outcome(seed, k));
    if (!crashed_) break;
  }
  EXPECT_EQ(k, 8u) << "create, append, sync, before_rename, rename, before_sync_dir, sync_dir";
  EXPECT_EQ(outcomes, (std::set<std::string>{"old", "new content"}));
  for (uint64_t seed = 0; seed < 50; ++seed) EXPECT_EQ(Outcome(seed, 0), "new content");
}

TEST_F(AtomicWriteTest, WithoutTheSyncItWouldBeTorn) {
  points_.PlantBug("B-82");
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 100; ++seed) outcomes.insert(Outcome(seed, 0));
  EXPECT_GT(outcomes.size(), 2u);
}

TEST(SimFileSystemTest, FreezeHidesNothingFromTheDyingProcess) {
  SimFileSystem fs;
  ASSERT_TRUE(fs.WriteFileAtomic("before", "b").ok());
  auto open = fs.OpenAppend("before").value();
  fs.Freeze();
  ASSERT_TRUE(fs.WriteFileAtomic("after", "a").ok());
  ASSERT_TRUE(open->Append("more").ok());
  ASSERT_TRUE(open->Sync().ok());
  ASSERT_TRUE(fs.RemoveAll("nothing").ok());
  EXPECT_EQ(fs.ReadFile("after").value(), "a");
  EXPECT_EQ(AfterCrash(&fs, 1, "before"), "b");
  EXPECT_FALSE(fs.Exists("after"));
  ASSERT_TRUE(open->Append("ghost").ok());
  ASSERT_TRUE(open->Sync().ok());
  EXPECT_EQ(fs.ReadFile("before").value(), "b") << "files opened before a crash are cut off";
}

TEST(SimFileSystemTest, CrashFreesLocks) {
  SimFileSystem fs;
  auto old = fs.Lock("L").value();
  AfterCrash(&fs, 1, "L");
  auto lock = fs.Lock("L");
  ASSERT_TRUE(lock.ok());
  old.reset();
  EXPECT_FALSE(fs.Lock("L").ok()) << "the dead process's lock must not free the living one's";
}

TEST(SimFileSystemTest, ATruncatedRewriteIsOldOrAPrefixOfNew) {
  const std::string old_content(100, 'o');
  const std::string new_content(100, 'N');
  int old_kept = 0;
  int empty = 0;
  int new_whole = 0;
  int torn = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimFileSystem fs(seed);
    ASSERT_TRUE(fs.WriteFileAtomic("f", old_content).ok());
    ASSERT_TRUE(fs.Create("f").value()->Append(new_content).ok());
    const std::string left = AfterCrash(&fs, seed, "f");
    old_kept += left == old_content ? 1 : 0;
    empty += left.empty() ? 1 : 0;
    new_whole += left == new_content ? 1 : 0;
    torn += left.find_first_not_of("No") != std::string::npos ? 1 : 0;
    ASSERT_TRUE(left.find("oooo") == std::string::npos || left == old_content) << "never a mixture";
  }
  EXPECT_TRUE(old_kept > 10 && empty > 10 && new_whole > 10 && torn > 10)
      << old_kept << " " << empty << " " << new_whole << " " << torn;
}

TEST(SimFileSystemTest, FailedSyncMayLoseDataForGood) {
  SimFileSystem fs;
  auto file = fs.OpenAppend("f").value();
  ASSERT_TRUE(file->Append("precious").ok());
  SimFaults faults;
  faults.sync_error = 1;
  fs.SetFaults(faults);
  EXPECT_EQ(ErrorNumber(file->Sync()), 4001);
  fs.SetFaults({});
  EXPECT_FALSE(file->Sync().ok()) << "the same handle stays failed";
  ASSERT_TRUE(fs.OpenAppend("f").value()->Sync().ok());  // the wrong way out
  ASSERT_TRUE(fs.SyncDir("/").ok());
  EXPECT_EQ(fs.ReadFile("f").value(), "precious") << "the cache still shows it";
  EXPECT_NE(AfterCrash(&fs, 1, "f"), "precious");
}

TEST(SimFileSystemTest, InjectedErrorsComeAtTheirRate) {
  SimFileSystem fs(5);
  ASSERT_TRUE(fs.WriteFileAtomic("data", std::string(100, 'd')).ok());
  SimFaults faults;
  faults.read_error = 0.2;
  faults.write_error = 0.1;
  faults.no_space = 0.1;
  fs.SetFaults(faults);
  int read_errors = 0;
  int write_errors = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string out;
    const Status read = fs.OpenRead("data").value()->Read(0, 10, &out);
    read_errors += ErrorNumber(read) == 4001 ? 1 : 0;
    const auto file = fs.OpenAppend("data").value();
    write_errors += ErrorNumber(file->Append("x")) == 4001 ? 1 : 0;
  }
  EXPECT_NEAR(read_errors, 200, 60);
  EXPECT_NEAR(write_errors, 190, 60);
}

TEST(SimFileSystemTest, BitFlips) {
  SimFileSystem fs;
  ASSERT_TRUE(fs.WriteFileAtomic("state", "aaaa").ok());
  ASSERT_TRUE(fs.WriteFileAtomic("log", "aaaa").ok());
  SimFaults faults;
  faults.bit_flip = 1;
  faults.bit_flip_in = "state";
  fs.SetFaults(faults);
  EXPECT_NE(fs.ReadFile("state").value(), "aaaa");
  EXPECT_EQ(fs.ReadFile("log").value(), "aaaa");
  fs.SetFaults({});
  EXPECT_EQ(fs.ReadFile("state").value(), "aaaa") << "a flipped read leaves the disk alone";
  fs.FlipBit("state", 2);
  EXPECT_EQ(fs.ReadFile("state").value(), "aa`a");
  EXPECT_EQ(AfterCrash(&fs, 1, "state"), "aa`a");
}

TEST(SimFileSystemTest, SlowOperationsTellTheClock) {
  SimFileSystem fs;
  int64_t waited_ms = 0;
  fs.SetSlowHook([&](int64_t ms) { waited_ms += ms; });
  SimFaults faults;
  faults.slow = 1;
  faults.slow_ms = 7;
  fs.SetFaults(faults);
  Append(&fs, "f", "x", true);
  EXPECT_EQ(waited_ms, 14);
}

}  // namespace
}  // namespace weir
