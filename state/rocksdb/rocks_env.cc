#include "state/rocksdb/rocks_env.h"

#include <string>
#include <utility>

#include "engine/base/status.h"
#include "rocksdb/file_system.h"
#include "rocksdb/system_clock.h"
#include "state/rocksdb/rocks_file_system.h"

namespace weir {
namespace {

class UnsyncedFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus RangeSync(uint64_t, uint64_t, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
};

class UnsyncedDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  using FSDirectoryWrapper::FSDirectoryWrapper;
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions&, rocksdb::IODebugContext*,
                                        const rocksdb::DirFsyncOptions&) override {
    return rocksdb::IOStatus::OK();
  }
};

class UnsyncedFileSystem : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "weir.unsynced"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    return Wrap(FileSystemWrapper::NewWritableFile(name, options, file, debug), file);
  }
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override {
    return Wrap(FileSystemWrapper::ReopenWritableFile(name, options, file, debug), file);
  }
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* dir,
                                 rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewDirectory(name, options, dir, debug);
    if (status.ok()) *dir = std::make_unique<UnsyncedDirectory>(std::move(*dir));
    return status;
  }

 private:
  static rocksdb::IOStatus Wrap(rocksdb::IOStatus status,
                                std::unique_ptr<rocksdb::FSWritableFile>* file) {
    if (status.ok()) *file = std::make_unique<UnsyncedFile>(std::move(*file));
    return status;
  }
};

class StandingClock : public rocksdb::SystemClock {
 public:
  const char* Name() const override { return "weir.standing"; }
  uint64_t NowMicros() override { return 1; }
  void SleepForMicroseconds(int) override {}
  rocksdb::Status GetCurrentTime(int64_t* seconds) override {
    *seconds = 1;
    return rocksdb::Status::OK();
  }
  std::string TimeToString(uint64_t time) override { return std::to_string(time); }
};

// EnvWrapper passes calls on; RocksDB itself takes files and clock from the two members.
class ThreadlessEnv : public rocksdb::EnvWrapper {
 public:
  explicit ThreadlessEnv(const std::shared_ptr<rocksdb::FileSystem>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = std::make_shared<StandingClock>();
  }
  void Schedule(void (*)(void*), void*, Priority, void*, void (*)(void*)) override { Forbid(); }
  void StartThread(void (*)(void*), void*) override { Forbid(); }

 private:
  static void Forbid() { WEIR_CHECK(false, "RocksDB wants a thread where it must not have one"); }
};

}  // namespace

std::shared_ptr<rocksdb::Env> NewRocksEnv(FileSystem* fs) {
  if (fs == nullptr) {
    static const std::shared_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(
        std::make_shared<UnsyncedFileSystem>(rocksdb::FileSystem::Default()));
    return env;
  }
  return std::make_shared<ThreadlessEnv>(
      std::make_shared<UnsyncedFileSystem>(NewRocksFileSystem(fs)));
}

}  // namespace weir
