#include "state/rocksdb/rocks_file_system.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Never "no space": RocksDB tries to recover from that in a thread of its own.
IOStatus ToRocks(const Status& status) {
  if (status.ok()) return IOStatus::OK();
  const std::string text(status.message());
  return absl::IsNotFound(status) ? IOStatus::PathNotFound(text) : IOStatus::IOError(text);
}
// RocksDB asks by these calls whether something is there, and wants the other "not found".
IOStatus ToRocksLookup(const Status& status) {
  if (absl::IsNotFound(status)) return IOStatus::NotFound(std::string(status.message()));
  return ToRocks(status);
}

class Writable : public rocksdb::FSWritableFile {
 public:
  Writable(std::unique_ptr<WritableFile> file, uint64_t size)
      : file_(std::move(file)), size_(size) {}

  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    IOStatus status = ToRocks(file_->Append({data.data(), data.size()}));
    if (status.ok()) size_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    file_.reset();
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return ToRocks(file_->Sync()); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  std::unique_ptr<WritableFile> file_;
  uint64_t size_;
};

IOStatus ReadInto(const RandomAccessFile& file, uint64_t offset, size_t n, Slice* result,
                  char* scratch) {
  std::string bytes;
  IOStatus status = ToRocks(file.Read(offset, n, &bytes));
  if (!status.ok()) return status;
  std::memcpy(scratch, bytes.data(), bytes.size());
  *result = Slice(scratch, bytes.size());
  return status;
}

class Readable : public rocksdb::FSRandomAccessFile {
 public:
  explicit Readable(std::unique_ptr<RandomAccessFile> file) : file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return ReadInto(*file_, offset, n, result, scratch);
  }

 private:
  const std::unique_ptr<RandomAccessFile> file_;
};

class Sequential : public rocksdb::FSSequentialFile {
 public:
  explicit Sequential(std::unique_ptr<RandomAccessFile> file) : file_(std::move(file)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    IOStatus status = ReadInto(*file_, offset_, n, result, scratch);
    if (status.ok()) offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t n) override {
    const StatusOr<uint64_t> size = file_->Size();
    if (!size.ok()) return ToRocks(size.status());
    offset_ = std::min(*size, offset_ + n);
    return IOStatus::OK();
  }

 private:
  const std::unique_ptr<RandomAccessFile> file_;
  uint64_t offset_ = 0;
};

class Directory : public rocksdb::FSDirectory {
 public:
  Directory(FileSystem* fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->SyncDir(path_));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  FileSystem* const fs_;
  const std::string path_;
};

class Locked : public rocksdb::FileLock {
 public:
  explicit Locked(std::unique_ptr<weir::FileLock> lock) : lock_(std::move(lock)) {}

 private:
  const std::unique_ptr<weir::FileLock> lock_;
};

class RocksFileSystem : public rocksdb::FileSystem {
 public:
  explicit RocksFileSystem(weir::FileSystem* fs) : fs_(fs) {}
  const char* Name() const override { return "weir.files"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file,
                             IODebugContext*) override {
    auto opened = fs_->OpenRead(path);
    if (opened.ok()) *file = std::make_unique<Sequential>(std::move(*opened));
    return ToRocks(opened.status());
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext*) override {
    auto opened = fs_->OpenRead(path);
    if (opened.ok()) *file = std::make_unique<Readable>(std::move(*opened));
    return ToRocks(opened.status());
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext*) override {
    auto created = fs_->Create(path);
    if (created.ok()) *file = std::make_unique<Writable>(std::move(*created), 0);
    return ToRocks(created.status());
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext*) override {
    auto opened = fs_->OpenAppend(path);
    if (!opened.ok()) return ToRocks(opened.status());
    const StatusOr<uint64_t> size = fs_->FileSize(path);
    if (size.ok()) *file = std::make_unique<Writable>(std::move(*opened), *size);
    return ToRocks(size.status());
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* dir, IODebugContext*) override {
    *dir = std::make_unique<Directory>(fs_, path);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    return fs_->Exists(path) ? IOStatus::OK() : IOStatus::NotFound(path);
  }
  IOStatus GetChildren(const std::string& dir, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    StatusOr<std::vector<std::string>> listed = fs_->List(dir);
    if (listed.ok()) *names = std::move(*listed);
    return ToRocksLookup(listed.status());
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToRocksLookup(fs_->Remove(path));
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToRocksLookup(fs_->Remove(path));
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions&,
                    IODebugContext*) override {
    return ToRocks(fs_->Truncate(path, size));
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (fs_->Exists(path)) return IOStatus::IOError(path + ": exists already");
    return ToRocks(fs_->CreateDirs(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->CreateDirs(path));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                       IODebugContext*) override {
    const StatusOr<uint64_t> found = fs_->FileSize(path);
    if (found.ok()) *size = *found;
    return ToRocks(found.status());
  }
  // The same for all, as on a clock that stands still: nothing here depends on a file's age.
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* seconds,
                                   IODebugContext*) override {
    *seconds = 0;
    return fs_->Exists(path) ? IOStatus::OK() : IOStatus::PathNotFound(path);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return ToRocks(fs_->Rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return ToRocks(fs_->Link(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    auto locked = fs_->Lock(path);
    if (locked.ok()) *lock = std::make_unique<Locked>(std::move(*locked)).release();
    return ToRocks(locked.status());
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    const std::unique_ptr<rocksdb::FileLock> ends(lock);
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("GetTestDirectory");
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                           IODebugContext*) override {
    *absolute = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_dir,
                       IODebugContext*) override {
    *is_dir = fs_->Exists(path) && fs_->List(path).ok();
    return fs_->Exists(path) ? IOStatus::OK() : IOStatus::PathNotFound(path);
  }

 private:
  weir::FileSystem* const fs_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> NewRocksFileSystem(FileSystem* fs) {
  return std::make_shared<RocksFileSystem>(fs);
}

}  // namespace weir
