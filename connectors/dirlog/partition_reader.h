// The reading side of one partition: whole lines from a file that may still grow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "connectors/dirlog/meta_file.h"
#include "connectors/dirlog/paths.h"
#include "engine/base/file_system.h"
#include "engine/core/log_client.h"

namespace weir {

// A longer line is handed out as its first kOversizedPrefix bytes, marked `oversized`: no line,
// whatever its length, takes more memory than this.
inline constexpr size_t kMaxRecordBytes = size_t{32} << 20;
inline constexpr size_t kOversizedPrefix = size_t{64} << 10;

class PartitionReader : public LogReader {
 public:
  PartitionReader(FileSystem* fs, PartitionPaths paths, const LogPosition& from);
  Status Read(const LogReadOptions& options, LogChunk* out) override;

 private:
  Status ReadRecords(const LogReadOptions& options, LogChunk* out);
  Status Open();
  Status Seek(std::optional<int64_t> offset);
  StatusOr<LogPosition> SeekStart(int64_t offset);
  // Fills out->buffer with up to `want` bytes from the position on, behind the bytes before it,
  // which it compares with the guard.
  Status Load(size_t want, LogChunk* out);
  // Splits what was loaded into records and moves the position behind the last of them.
  Status Split(bool take_rest, LogChunk* out);
  // Where the line at the position ends, once Load has found no newline; nullopt if it is not there.
  StatusOr<std::optional<uint64_t>> FindLineEnd();
  Status ReadLong(const LogReadOptions& options, LogChunk* out);
  Status ReadOversized(uint64_t next, LogChunk* out);
  StatusOr<uint64_t> GuardAt(uint64_t bytes);
  Status AddMeta(LogChunk* out);

  FileSystem* fs_;
  PartitionPaths paths_;
  LogPosition at_;
  std::unique_ptr<RandomAccessFile> file_;
  bool positioned_ = false;
  bool loaded_all_ = false;  // the last Load reached the end of the file
  uint64_t searched_ = 0;    // bytes from the position on that hold no newline
  std::optional<MetaCursor> meta_;
  MetaEntry entry_;
  bool has_entry_ = false;
};

}  // namespace weir
