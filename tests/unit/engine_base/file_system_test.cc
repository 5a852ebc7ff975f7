// One contract, every file system: posix on a temporary directory and the simulated one.
#include "engine/base/file_system.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "engine/base/sim_file_system.h"

namespace weir {
namespace {

class FileSystemTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      fs_ = NewPosixFileSystem();
      char name[] = "/tmp/weir_fs_test_XXXXXX";
      ASSERT_NE(mkdtemp(name), nullptr);
      root_ = name;
    } else {
      fs_ = std::make_unique<SimFileSystem>();
      root_ = "/root";
      ASSERT_TRUE(fs_->CreateDirs(root_).ok());
    }
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(root_);
  }
  std::string Path(std::string_view name) const { return JoinPath(root_, name); }
  std::string Contents(std::string_view name) { return fs_->ReadFile(Path(name)).value(); }

  std::unique_ptr<FileSystem> fs_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(All, FileSystemTest, testing::Bool(),
                         [](const auto& param_info) { return param_info.param ? "Posix" : "Sim"; });

TEST_P(FileSystemTest, AppendReadAndReopen) {
  auto file = fs_->OpenAppend(Path("f")).value();
  ASSERT_TRUE(file->Append("hello").ok());
  EXPECT_EQ(Contents("f"), "hello") << "unbuffered: seen before Sync";
  auto reader = fs_->OpenRead(Path("f")).value();
  ASSERT_TRUE(fs_->OpenAppend(Path("f")).value()->Append(" world").ok());
  ASSERT_TRUE(file->Append("!").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(reader->Size().value(), 12u) << "a reader sees the file grow";
  std::string out = "old";
  ASSERT_TRUE(reader->Read(6, 100, &out).ok());
  EXPECT_EQ(out, "world!");
  ASSERT_TRUE(reader->Read(100, 5, &out).ok());
  EXPECT_EQ(out, "");
  EXPECT_EQ(fs_->FileSize(Path("f")).value(), 12u);
}

TEST_P(FileSystemTest, CreateEmpties) {
  ASSERT_TRUE(fs_->Create(Path("f")).value()->Append("long content").ok());
  ASSERT_TRUE(fs_->Create(Path("f")).value()->Append("x").ok());
  EXPECT_EQ(Contents("f"), "x");
}

TEST_P(FileSystemTest, MissingIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(fs_->OpenRead(Path("no")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_->ReadFile(Path("no")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_->FileSize(Path("no")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_->List(Path("no")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_->Rename(Path("no"), Path("x"))));
  EXPECT_TRUE(absl::IsNotFound(fs_->Link(Path("no"), Path("x"))));
  EXPECT_TRUE(absl::IsNotFound(fs_->Remove(Path("no"))));
  EXPECT_TRUE(absl::IsNotFound(fs_->Truncate(Path("no"), 0)));
  EXPECT_TRUE(absl::IsNotFound(fs_->SyncDir(Path("no"))));
  EXPECT_TRUE(absl::IsNotFound(fs_->Create(Path("no/f")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs_->CreateExclusive(Path("no/f"), "")));
  EXPECT_TRUE(fs_->RemoveAll(Path("no")).ok());
  EXPECT_FALSE(fs_->Exists(Path("no")));
}

TEST_P(FileSystemTest, OtherFailuresAreStateIo) {
  ASSERT_TRUE(fs_->CreateDirs(Path("d/e")).ok());
  EXPECT_EQ(ErrorNumber(fs_->Remove(Path("d"))), 4001) << "not empty";
  EXPECT_EQ(ErrorNumber(fs_->Create(Path("d")).status()), 4001);
  EXPECT_EQ(ErrorNumber(fs_->ReadFile(Path("d")).status()), 4001);
  ASSERT_TRUE(fs_->Create(Path("f")).ok());
  EXPECT_EQ(ErrorNumber(fs_->CreateDirs(Path("f"))), 4001);
  EXPECT_EQ(ErrorNumber(fs_->CreateDirs(Path("f/g"))), 4001);
}

TEST_P(FileSystemTest, DirectoriesAndSortedList) {
  ASSERT_TRUE(fs_->CreateDirs(Path("a/b/c")).ok());
  ASSERT_TRUE(fs_->CreateDirs(Path("a/b/c")).ok());
  for (const char* name : {"a/z", "a/10", "a/9"}) ASSERT_TRUE(fs_->Create(Path(name)).ok());
  EXPECT_EQ(fs_->List(Path("a")).value(), (std::vector<std::string>{"10", "9", "b", "z"}));
  EXPECT_TRUE(fs_->Exists(Path("a/b/c")));
  ASSERT_TRUE(fs_->RemoveAll(Path("a")).ok());
  EXPECT_FALSE(fs_->Exists(Path("a")));
}

TEST_P(FileSystemTest, RenameReplacesAndLinkDoesNot) {
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("a"), "A").ok());
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("b"), "B").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs_->Link(Path("a"), Path("b"))));
  ASSERT_TRUE(fs_->Link(Path("a"), Path("c")).ok());
  ASSERT_TRUE(fs_->Rename(Path("a"), Path("b")).ok());
  EXPECT_EQ(Contents("b"), "A");
  EXPECT_EQ(Contents("c"), "A");
  EXPECT_FALSE(fs_->Exists(Path("a")));
  // Two names of one file: POSIX says that nothing happens.
  ASSERT_TRUE(fs_->Rename(Path("b"), Path("c")).ok());
  EXPECT_TRUE(fs_->Exists(Path("b")));
  ASSERT_TRUE(fs_->Remove(Path("b")).ok());
  EXPECT_EQ(Contents("c"), "A");
}

TEST_P(FileSystemTest, RenameIntoAnotherDirectory) {
  ASSERT_TRUE(fs_->CreateDirs(Path("from")).ok());
  ASSERT_TRUE(fs_->CreateDirs(Path("to")).ok());
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("from/x"), "X").ok());
  ASSERT_TRUE(fs_->Rename(Path("from"), Path("to/moved")).ok());
  EXPECT_EQ(Contents("to/moved/x"), "X");
}

TEST_P(FileSystemTest, CreateExclusiveOnce) {
  EXPECT_TRUE(fs_->CreateExclusive(Path("epoch"), "first").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs_->CreateExclusive(Path("epoch"), "second")));
  EXPECT_EQ(Contents("epoch"), "first");
  EXPECT_EQ(fs_->List(root_).value(), std::vector<std::string>{"epoch"}) << "no left-overs";
}

TEST_P(FileSystemTest, TruncateShortensAndAppendGoesOn) {
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("f"), "0123456789").ok());
  auto file = fs_->OpenAppend(Path("f")).value();
  ASSERT_TRUE(fs_->Truncate(Path("f"), 4).ok());
  ASSERT_TRUE(file->Append("x").ok());
  EXPECT_EQ(Contents("f"), "0123x");
}

TEST_P(FileSystemTest, AtomicWriteLeavesOneFile) {
  const std::string large(300'000, 'q');
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("f"), "old").ok());
  ASSERT_TRUE(fs_->WriteFileAtomic(Path("f"), large).ok());
  EXPECT_EQ(Contents("f"), large);
  EXPECT_EQ(fs_->List(root_).value(), std::vector<std::string>{"f"});
  EXPECT_FALSE(fs_->WriteFileAtomic(Path("no/f"), "x").ok());
  EXPECT_EQ(fs_->List(root_).value(), std::vector<std::string>{"f"});
}

TEST_P(FileSystemTest, LockIsExclusiveUntilReleased) {
  auto lock = fs_->Lock(Path("LOCK")).value();
  const Status second = fs_->Lock(Path("LOCK")).status();
  EXPECT_EQ(ErrorNumber(second), 4006) << second;
  lock.reset();
  EXPECT_TRUE(fs_->Lock(Path("LOCK")).ok());
}

TEST(PosixFileSystemTest, OnlyOneThreadCreatesExclusively) {
  const auto fs = NewPosixFileSystem();
  char name[] = "/tmp/weir_fs_test_XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string root = name;
  for (int round = 0; round < 20; ++round) {
    const std::string path = JoinPath(root, std::to_string(round));
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] { winners += fs->CreateExclusive(path, path).ok() ? 1 : 0; });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(fs->ReadFile(path).value(), path);
  }
  std::filesystem::remove_all(root);
}

// Two tasks may store the same content address at once; neither may publish the other's half.
TEST(PosixFileSystemTest, ConcurrentAtomicWritesOfOnePathStayWhole) {
  const auto fs = NewPosixFileSystem();
  char name[] = "/tmp/weir_fs_test_XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string path = JoinPath(name, "shared");
  const std::string content(100'000, 'c');
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        if (!fs->WriteFileAtomic(path, content).ok()) ++failures;
        if (fs->ReadFile(path).value() != content) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  std::filesystem::remove_all(name);
}

TEST(PosixFileSystemTest, FullDiskIsStickyAndHasAHint) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  const auto fs = NewPosixFileSystem();
  auto file = fs->OpenAppend("/dev/full").value();
  const Status status = file->Append("x");
  EXPECT_EQ(ErrorNumber(status), 4001);
  EXPECT_EQ(ErrorHint(status), "free space on this file system");
  EXPECT_EQ(file->Sync(), status) << "after an error the file stays failed";
}

TEST(PosixFileSystemTest, ReadsFilesWhoseSizeIsNotKnown) {
  const std::string status = NewPosixFileSystem()->ReadFile("/proc/self/status").value();
  EXPECT_NE(status.find("Threads:"), std::string::npos);
}

TEST(PathTest, JoinAndParent) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "/b"), "a/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(JoinPath("a", ""), "a");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(ParentPath("a/b"), "a");
  EXPECT_EQ(ParentPath("a/b/"), "a");
  EXPECT_EQ(ParentPath("a"), ".");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(ParentPath("/"), "/");
}

}  // namespace
}  // namespace weir
