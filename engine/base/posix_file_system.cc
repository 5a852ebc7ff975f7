#include "engine/base/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/random.h"

namespace weir {
namespace {

std::string_view HintFor(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space on this file system";
    case EACCES:
    case EPERM:
      return "check the owner and the permissions of the path";
    case EROFS:
      return "the file system is mounted read-only";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return {};
  }
}

Status IoError(int error, const char* operation, const std::string& path) {
  const std::string text =
      absl::StrCat(path, ": ", operation, ": ", std::generic_category().message(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  return Err(ErrorCode::kStateIo, text, HintFor(error));
}

// Signals (a profiler's, SIGCHLD) interrupt calls; that is no error.
template <typename Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);  // not retried: on Linux the descriptor is gone in any case
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  int get() const { return fd_; }

 private:
  int fd_;
};

StatusOr<Fd> Open(const std::string& path, int flags) {
  Fd fd(Retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); }));
  if (fd.get() < 0) return IoError(errno, "open", path);
  return fd;
}

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Append(std::string_view data) override {
    while (failed_.ok() && !data.empty()) {
      const ssize_t n = Retry([&] { return ::write(fd_.get(), data.data(), data.size()); });
      if (n < 0) {
        failed_ = IoError(errno, "write", path_);
      } else {
        data.remove_prefix(static_cast<size_t>(n));
      }
    }
    return failed_;
  }

  Status Sync() override {
    if (failed_.ok() && Retry([&] { return ::fdatasync(fd_.get()); }) != 0) {
      failed_ = IoError(errno, "fdatasync", path_);
    }
    return failed_;
  }

 private:
  const Fd fd_;
  const std::string path_;
  Status failed_;
};

class PosixRandomAccessFile : public RandomAccessFile {
 public:
  PosixRandomAccessFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Read(uint64_t offset, size_t length, std::string* out) const override {
    out->resize(length);
    size_t done = 0;
    while (done < length) {
      const ssize_t n = Retry([&] {
        return ::pread(fd_.get(), out->data() + done, length - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) {
        const int error = errno;
        out->clear();
        return IoError(error, "read", path_);
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    out->resize(done);
    return absl::OkStatus();
  }

  StatusOr<uint64_t> Size() const override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return IoError(errno, "stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const Fd fd_;
  const std::string path_;
};

class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(Fd fd) : fd_(std::move(fd)) {}

 private:
  const Fd fd_;  // closing it unlocks
};

class PosixFileSystem : public FileSystem {
 public:
  PosixFileSystem() : FileSystem(SystemSeed()) {}

  StatusOr<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override {
    return OpenWritable(path, O_WRONLY | O_CREAT | O_APPEND);
  }

  StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    return OpenWritable(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
  }

  // A link, because a rename would replace: of two processes exactly one gets the name, and the
  // name never shows a part of the content.
  Status CreateExclusive(const std::string& path, std::string_view data) override {
    const std::string temporary = TemporaryName(path);
    Status status = [&]() -> Status {
      WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, Create(temporary));
      WEIR_RETURN_IF_ERROR(file->Append(data));
      return file->Sync();
    }();
    if (status.ok()) {
      WEIR_SIM_POINT("fs.create_exclusive.before_link");
      status = Link(temporary, path);
    }
    (void)Remove(temporary);  // best effort; a left-over is harmless (IsTemporaryName)
    WEIR_RETURN_IF_ERROR(status);
    return SyncDir(ParentPath(path));
  }

  StatusOr<std::unique_ptr<RandomAccessFile>> OpenRead(const std::string& path) override {
    WEIR_ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDONLY));
    return std::unique_ptr<RandomAccessFile>(
        std::make_unique<PosixRandomAccessFile>(std::move(fd), path));
  }

  StatusOr<uint64_t> FileSize(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return IoError(errno, "stat", path);
    return static_cast<uint64_t>(info.st_size);
  }

  bool Exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(dir.c_str()), &::closedir);
    if (stream == nullptr) return IoError(errno, "list", dir);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) return IoError(errno, "list", dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status CreateDirs(const std::string& dir) override {
    if (::mkdir(dir.c_str(), 0755) == 0) return SyncDir(ParentPath(dir));
    struct stat info;
    if (errno == EEXIST) {
      if (::stat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
      return IoError(EEXIST, "mkdir", dir);
    }
    if (errno != ENOENT || ParentPath(dir) == dir) return IoError(errno, "mkdir", dir);
    WEIR_RETURN_IF_ERROR(CreateDirs(ParentPath(dir)));
    if (::mkdir(dir.c_str(), 0755) != 0 && errno != EEXIST) return IoError(errno, "mkdir", dir);
    return SyncDir(ParentPath(dir));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return IoError(errno, "rename", from);
    return absl::OkStatus();
  }

  Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    if (errno == EEXIST) return absl::AlreadyExistsError(absl::StrCat(to, ": exists already"));
    return IoError(errno, "link", from);
  }

  Status Truncate(const std::string& path, uint64_t size) override {
    WEIR_ASSIGN_OR_RETURN(const Fd fd, Open(path, O_WRONLY));
    if (Retry([&] { return ::ftruncate(fd.get(), static_cast<off_t>(size)); }) != 0) {
      return IoError(errno, "truncate", path);
    }
    if (Retry([&] { return ::fsync(fd.get()); }) != 0) return IoError(errno, "fsync", path);
    return absl::OkStatus();
  }

  Status Remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return IoError(errno, "remove", path);
    return absl::OkStatus();
  }

  Status RemoveAll(const std::string& dir) override {
    std::error_code error;
    std::filesystem::remove_all(dir, error);  // does not follow symbolic links
    if (error) return IoError(error.value(), "remove", dir);
    return absl::OkStatus();
  }

  Status SyncDir(const std::string& dir) override {
    WEIR_ASSIGN_OR_RETURN(const Fd fd, Open(dir, O_RDONLY | O_DIRECTORY));
    if (Retry([&] { return ::fsync(fd.get()); }) != 0) return IoError(errno, "fsync", dir);
    return absl::OkStatus();
  }

  StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    WEIR_ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDWR | O_CREAT));
    if (Retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return IoError(errno, "lock", path);
      return Err(ErrorCode::kStateLocked, absl::StrCat(path, ": locked by another process"),
                 "stop the other process, or give this one its own data directory");
    }
    return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd)));
  }

 private:
  StatusOr<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path, int flags) {
    WEIR_ASSIGN_OR_RETURN(Fd fd, Open(path, flags));
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(std::move(fd), path));
  }
};

}  // namespace

std::unique_ptr<FileSystem> NewPosixFileSystem() { return std::make_unique<PosixFileSystem>(); }

bool IsPosixFileSystem(const FileSystem& fs) {
  return dynamic_cast<const PosixFileSystem*>(&fs) != nullptr;
}

}  // namespace weir
