// The writing side of one partition, shared by all writers of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "connectors/dirlog/paths.h"
#include "connectors/dirlog/recovery.h"
#include "engine/base/file_system.h"
#include "engine/base/guarded.h"
#include "engine/core/log_client.h"

namespace weir {

// Bytes of a partition's values that no crash can take away; none while no writer has it open.
// Apart from the files, so that a reader does not wait while they are synced.
using DurableMark = Guarded<std::optional<uint64_t>>;

// Not thread-safe: kept in a Guarded. After a failed write or sync nobody knows what the files
// hold, so every call fails until a writer opens the partition anew, which recovers it.
class PartitionFiles {
 public:
  PartitionFiles(FileSystem* fs, PartitionPaths paths, std::shared_ptr<DurableMark> mark)
      : fs_(fs), paths_(std::move(paths)), mark_(std::move(mark)) {}

  // Recovers the partition unless it is open already; fences writers of older epochs.
  Status Open(int64_t epoch);
  StatusOr<int64_t> Append(int64_t epoch, std::span<const LogAppend> records);
  Status Sync(int64_t epoch);
  StatusOr<int64_t> EndOffset(int64_t epoch);
  // The topic is gone; every writer fails from here on.
  void Delete();
  // The client is gone, and with it the right to write.
  void Close();

 private:
  Status Recover(int64_t epoch);
  Status CreateDirs();
  Status Usable(int64_t epoch) const;
  Status Encode(int64_t epoch, std::span<const LogAppend> records);
  Status Write();
  Status SyncFiles();

  FileSystem* fs_;
  PartitionPaths paths_;
  std::shared_ptr<DurableMark> mark_;
  std::unique_ptr<WritableFile> values_;
  std::unique_ptr<WritableFile> meta_;
  Status broken_ = absl::OkStatus();
  int64_t epoch_ = INT64_MIN;   // newest that was opened
  RecoveredPartition end_;      // what is written
  RecoveredPartition durable_;  // what is synced
  bool durable_known_ = false;  // this object has synced the files before
  std::string value_scratch_;
  std::string meta_scratch_;
};

using SharedFiles = std::shared_ptr<Guarded<PartitionFiles>>;

std::shared_ptr<LogWriter> NewPartitionWriter(SharedFiles files, int64_t epoch);

}  // namespace weir
