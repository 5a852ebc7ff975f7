// The names of the checkpoint store's files; the picture is in file_checkpoint_storage.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/status.h"

namespace weir {

class CheckpointLayout {
 public:
  CheckpointLayout(const std::string& root, const std::string& job);

  const std::string& job_dir() const { return job_dir_; }
  std::string LockFile() const;
  std::string EpochDir() const;
  std::string SavepointStartFile() const;
  std::string SharedDir() const;
  std::string SavepointsDir() const;
  std::string CheckpointDir(int64_t id) const;
  // The folder of a savepoint given by name or path; with an empty name that of shared segments.
  std::string SegmentDir(const std::string& savepoint) const;
  static std::string ManifestIn(const std::string& dir);

  // "chk-12" -> 12.
  static std::optional<int64_t> CheckpointId(std::string_view name);
  // "12" -> 12. Only what we would write ourselves counts as a number.
  static std::optional<int64_t> Number(std::string_view name);
  // A name that is safe as one folder, or a path.
  static Status CheckSavepointName(const std::string& savepoint);

 private:
  std::string job_dir_;
};

}  // namespace weir
