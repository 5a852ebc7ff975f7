#include "engine/base/file_system.h"

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"

namespace weir {
namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace

StatusOr<std::string> FileSystem::ReadFile(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file, OpenRead(path));
  WEIR_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  // One byte more than there is, so that the first read already shows the end of the file. The loop
  // is for files whose size is not known beforehand (/proc) or that grow meanwhile.
  const size_t step = static_cast<size_t>(size) + 1;
  std::string data;
  WEIR_RETURN_IF_ERROR(file->Read(0, step, &data));
  if (data.size() < step && data.size() >= size) return data;
  std::string more;
  do {
    WEIR_RETURN_IF_ERROR(file->Read(data.size(), 65'536, &more));
    data += more;
  } while (!more.empty());
  return data;
}

Status FileSystem::WriteFileAtomic(const std::string& path, std::string_view data) {
  const std::string temporary = TemporaryName(path);
  const auto write = [&]() -> Status {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, Create(temporary));
    WEIR_RETURN_IF_ERROR(file->Append(data));
    if (WEIR_PLANTED_BUG("B-82")) return absl::OkStatus();  // published without having been synced
    return file->Sync();
  };
  Status status = write();
  if (status.ok()) {
    WEIR_SIM_POINT("fs.write_atomic.before_rename");
    status = Rename(temporary, path);
  }
  if (!status.ok()) {
    (void)Remove(temporary);  // best effort: the caller needs the first error
    return status;
  }
  WEIR_SIM_POINT("fs.write_atomic.before_sync_dir");
  return SyncDir(ParentPath(path));
}

std::string FileSystem::TemporaryName(const std::string& path) {
  const uint64_t number = temporary_names_.fetch_add(1, std::memory_order_relaxed);
  return absl::StrCat(path, ".", absl::Hex(instance_), "-", number, ToAbsl(kTemporarySuffix));
}

bool IsTemporaryName(std::string_view name) { return name.ends_with(kTemporarySuffix); }

std::string JoinPath(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  if (b.empty()) return std::string(a);
  while (b.starts_with('/')) b.remove_prefix(1);
  std::string path(a);
  if (!path.ends_with('/')) path += '/';
  return path.append(b);
}

std::string ParentPath(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

}  // namespace weir
