// The reading side of one partition: whole lines from a file that may still grow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/dirlog/meta_file.h"
#include "connectors/dirlog/partition_writer.h"
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
  // `durable` tells how much of the values may be read: what a writer of this process has appended
  // but not synced may be gone after a crash, and nobody must have acted on it.
  PartitionReader(FileSystem* fs, PartitionPaths paths, const LogPosition& from,
                  std::shared_ptr<DurableMark> durable);
  Status Read(const LogReadOptions& options, LogChunk* out) override;

 private:
  Status ReadRecords(const LogReadOptions& options, LogChunk* out);
  Status Open();
  Status ReadValues(uint64_t begin, size_t length, std::string* out) const;
  // The position of a record by its offset, INT64_MAX for the end of the log.
  StatusOr<LogPosition> Find(int64_t offset);
  StatusOr<LogPosition> NearestInMeta(int64_t offset);
  // INT64_MAX if no record is that young.
  StatusOr<int64_t> OffsetAtTime(int64_t timestamp_ms);
  // Fills out->buffer with up to `want` bytes from the position on, behind the bytes before it,
  // which it compares with the guard.
  Status Load(size_t want, LogChunk* out);
  std::string_view Loaded(const LogChunk& chunk) const;
  // Splits what was loaded into records and moves the position behind the last of them.
  void Split(bool take_rest, LogChunk* out);
  // For a line that does not fit into what was loaded.
  Status ReadLong(const LogReadOptions& options, LogChunk* out);
  Status ReadOversized(uint64_t length, bool terminated, LogChunk* out);
  // Length of the line at the position; nullopt if its end is not there yet.
  StatusOr<std::optional<uint64_t>> FindLineEnd();
  StatusOr<uint64_t> GuardAt(int64_t bytes);
  void MoveTo(const LogPosition& position);
  Status AddMeta(LogChunk* out);
  Status NextEntryFor(int64_t offset);

  FileSystem* fs_;
  PartitionPaths paths_;
  std::shared_ptr<DurableMark> durable_;
  LogPosition at_;
  std::unique_ptr<RandomAccessFile> file_;
  bool positioned_ = false;
  bool loaded_all_ = false;  // the last Load reached the end of the file
  uint64_t searched_ = 0;    // bytes from the position on that are known to hold no newline
  std::string scratch_;
  MetaCursor meta_;
  MetaEntry entry_;  // the meta's next one; its views live in meta_
  bool has_entry_ = false;
  std::vector<std::pair<size_t, size_t>> effect_ids_;  // per item: begin and length in chunk.meta
};

}  // namespace weir
