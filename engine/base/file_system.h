// The file-system seam (DESIGN D3). Blocking: call it only on an I/O executor or at start-up.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"

namespace weir {

// An append-only file. Not thread-safe. Unbuffered: a reader sees what Append has returned OK for.
// After an error every later call gives that error: what the file holds is then unknown, and a
// second fsync would wrongly succeed (reliability.md I-21).
class WritableFile {
 public:
  virtual ~WritableFile() = default;  // closes; never syncs
  virtual Status Append(std::string_view data) = 0;
  // Everything appended so far survives power loss once this returns OK. The name of a new file
  // does so only after SyncDir of its directory.
  virtual Status Sync() = 0;
};

// Thread-safe for concurrent reads.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Reads up to `length` bytes at `offset` into *out (replacing it). Short at end of file.
  virtual Status Read(uint64_t offset, size_t length, std::string* out) const = 0;
  virtual StatusOr<uint64_t> Size() const = 0;  // of the file now, even if it has grown
};

// Held for as long as the object lives; the operating system frees it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// All paths are UTF-8, '/'-separated. Missing files give absl::NotFoundError, a CreateExclusive
// or Link onto an existing name gives absl::AlreadyExistsError, anything else is kStateIo.
// A crash can leave files behind whose names satisfy IsTemporaryName: ignore and remove them.
// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  // Opens for appending; creates the file when absent.
  virtual StatusOr<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) = 0;
  // Creates or empties.
  virtual StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // Atomically creates `path` with `data`, synced, if and only if it does not exist (epochs, D9).
  virtual Status CreateExclusive(const std::string& path, std::string_view data) = 0;
  virtual StatusOr<std::unique_ptr<RandomAccessFile>> OpenRead(const std::string& path) = 0;
  virtual StatusOr<uint64_t> FileSize(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // Names (not paths) in a directory, sorted. A missing directory is NotFound.
  virtual StatusOr<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual Status CreateDirs(const std::string& dir) = 0;  // with parents; existing is fine; durable
  // Rename, Link and Remove are durable only after SyncDir of the directory they changed.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // replaces atomically
  virtual Status Link(const std::string& from, const std::string& to) = 0;    // hard link
  virtual Status Truncate(const std::string& path, uint64_t size) = 0;        // durable
  virtual Status Remove(const std::string& path) = 0;    // a file or an empty directory
  virtual Status RemoveAll(const std::string& dir) = 0;  // missing is fine
  virtual Status SyncDir(const std::string& dir) = 0;
  // Exclusive advisory lock; a lock held by another process gives kStateLocked.
  virtual StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  // Whole-file helpers on top of the above.
  StatusOr<std::string> ReadFile(const std::string& path);
  // Write to a temporary name, sync, rename, sync the directory: a reader sees all or nothing.
  Status WriteFileAtomic(const std::string& path, std::string_view data);

 protected:
  // `instance` keeps the temporary names of two processes apart.
  explicit FileSystem(uint64_t instance) : instance_(instance) {}
  // A name beside `path` that nobody else uses, for content on its way to `path`.
  std::string TemporaryName(const std::string& path);

 private:
  const uint64_t instance_;
  std::atomic<uint64_t> temporary_names_{0};
};

std::unique_ptr<FileSystem> NewPosixFileSystem();

std::string JoinPath(std::string_view a, std::string_view b);
// The directory a path lies in: "a/b" -> "a", "a" -> ".", "/a" -> "/".
std::string ParentPath(std::string_view path);
bool IsTemporaryName(std::string_view name);

}  // namespace weir
