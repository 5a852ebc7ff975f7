// Looks at checkpoints and savepoints without a job, and while one runs: what there is, how large,
// whether it is whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/file_system.h"
#include "engine/core/checkpoint_storage.h"

namespace weir {

struct SnapshotReport {
  // kPresent: every file is there with its size. kWhole: its bytes have been read too, and fit.
  enum class State : uint8_t { kPresent, kWhole, kDamaged };
  struct File {
    std::string path;
    int64_t bytes = 0;
    std::string problem;
  };

  bool savepoint = false;
  int64_t id = 0;    // 0 if the manifest cannot be read
  std::string name;  // of a savepoint: its folder's
  std::string path;
  std::string job;
  int64_t created_ms = 0;
  int64_t epoch = 0;
  int64_t bytes = 0;  // of the manifest and of every segment it names, shared ones included
  int files = 0;
  int operators = 0;
  int max_parallelism = 0;
  State state = State::kPresent;
  std::vector<File> damaged;
};

// All of them may block. With `read_all` every byte is read and every checksum compared; else only
// the manifest.
class SnapshotInspector {
 public:
  // `root` and `job` as the checkpoint storage has them.
  SnapshotInspector(FileSystem* fs, std::string root, std::string job)
      : fs_(fs), root_(std::move(root)), job_(std::move(job)) {}

  // Ascending by id, and by name. Damaged ones are among them; those that a running job removes
  // meanwhile are not.
  StatusOr<std::vector<SnapshotReport>> Checkpoints(bool read_all) const;
  StatusOr<std::vector<SnapshotReport>> Savepoints(bool read_all) const;
  // By name, or by path if it contains a '/'. kStateNoCheckpoint if there is none.
  StatusOr<SnapshotReport> Savepoint(const std::string& name_or_path, bool read_all) const;

 private:
  FileSystem* fs_;
  std::string root_, job_;
};

// kStateCorrupt unless the file is the segment that `ref` names, byte for byte.
Status VerifySegmentFile(FileSystem* fs, const SegmentRef& ref, const std::string& path);

}  // namespace weir
