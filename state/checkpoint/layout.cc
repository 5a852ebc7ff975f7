#include "state/checkpoint/layout.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "engine/base/file_system.h"

namespace weir {
namespace {

constexpr std::string_view kCheckpointPrefix = "chk-";

}  // namespace

CheckpointLayout::CheckpointLayout(const std::string& root, const std::string& job)
    : job_dir_(JoinPath(root, job)) {}

std::string CheckpointLayout::LockFile() const { return JoinPath(job_dir_, "LOCK"); }
std::string CheckpointLayout::EpochDir() const { return JoinPath(job_dir_, "epoch"); }
std::string CheckpointLayout::SavepointStartFile() const {
  return JoinPath(job_dir_, "SAVEPOINT-START");
}
std::string CheckpointLayout::SharedDir() const { return JoinPath(job_dir_, "shared"); }
std::string CheckpointLayout::SavepointsDir() const { return JoinPath(job_dir_, "savepoints"); }

std::string CheckpointLayout::CheckpointDir(int64_t id) const {
  return JoinPath(job_dir_, absl::StrCat(ToAbsl(kCheckpointPrefix), id));
}

std::string CheckpointLayout::SegmentDir(const std::string& savepoint) const {
  if (savepoint.empty()) return SharedDir();
  if (savepoint.find('/') != std::string::npos) return savepoint;
  return JoinPath(SavepointsDir(), savepoint);
}

std::string CheckpointLayout::ManifestIn(const std::string& dir) {
  return JoinPath(dir, "MANIFEST");
}

std::optional<int64_t> CheckpointLayout::CheckpointId(std::string_view name) {
  if (name.substr(0, kCheckpointPrefix.size()) != kCheckpointPrefix) return std::nullopt;
  return Number(name.substr(kCheckpointPrefix.size()));
}

std::optional<int64_t> CheckpointLayout::Number(std::string_view name) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  if (error != std::errc() || n < 0 || std::to_string(n) != name) return std::nullopt;
  return n;
}

Status CheckpointLayout::CheckSavepointName(const std::string& savepoint) {
  if (!savepoint.empty() && savepoint != "." && savepoint != "..") return absl::OkStatus();
  return Err(ErrorCode::kStateNoCheckpoint, absl::StrCat("'", savepoint, "' cannot be a savepoint"),
             "give a name, or a path that contains a '/'");
}

}  // namespace weir
