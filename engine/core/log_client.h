// The one Log contract (DESIGN D24): topics of partitions of records, appended and read by offset.
// Implemented by the directory log and by Kafka; used by sources, sinks, the decision log, the rule
// log and the outbox. All calls may block: make them on the I/O executor (see async_log.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

// Where to go on reading. Written to checkpoints.
struct LogPosition {
  // As `offset`: the end of the log at the time of the first Read, which returns no records and the
  // position in `next`.
  static constexpr int64_t kEnd = -1;
  // As `offset`: the first record that the log still has. Offset 0 is another thing: an error if
  // the log has lost it to its retention.
  static constexpr int64_t kBegin = -2;
  // As `offset`: the first record whose timestamp is not before `bytes` (milliseconds since 1970
  // UTC), or the end if there is none. The first Read returns as for kEnd.
  static constexpr int64_t kAtTime = -3;
  int64_t offset = 0;  // of the next record, from 0
  // Directory log: where that record begins; -1 = find it from the offset. Kafka: offset of the
  // record that the guard covers; of no meaning without a guard.
  int64_t bytes = 0;
  // Hash of what stands before the position; a mismatch means the log was replaced. 0 = none.
  uint64_t guard = 0;
};
void EncodePosition(const LogPosition& p, std::string* out);
bool DecodePosition(std::string_view bytes, LogPosition* p);

struct LogItem {
  int64_t offset;
  std::string_view value;    // into LogChunk::buffer; at least 64 readable bytes follow it there
  int64_t timestamp_ms = 0;  // 0 if the log kept none
  std::string_view effect_id = {};  // "" if the log kept none
  int64_t epoch = 0;                // of the writer's incarnation
  bool oversized = false;           // too large to be handed out: `value` is only its beginning
};

// May be moved: the items' views stay valid, because both strings are always on the heap.
struct LogChunk {
  std::string buffer;
  size_t lead = 0;   // line based logs: bytes of `buffer` that stand before the first record
  std::string meta;  // backing store of the effect ids
  std::vector<LogItem> items;
  // Guards cover the record before a position, not the bytes before it; see RecordGuardOf.
  bool guards_records = false;
  LogPosition first;    // of items[0]
  LogPosition next;     // after the last item
  bool at_end = false;  // nothing more at the time of the call
  // Offsets from `next` to the end of the log, as far as is known without asking; -1 = not known.
  int64_t behind = -1;
};

// The position of items[i], where a reader goes on if everything before it is done; `next` for
// i == items.size().
LogPosition PositionAt(const LogChunk& chunk, size_t i);

// What LogPosition::guard holds: a hash of the last 64 of the bytes before a position; never 0.
uint64_t GuardOf(std::string_view bytes_before);
inline constexpr size_t kGuardBytes = 64;
// The same for logs of records: over offset, timestamp and the value's last 64 bytes; never 0.
uint64_t RecordGuardOf(const LogItem& before);
inline constexpr size_t kLogReadPadding = 64;  // readable bytes behind every value

struct LogReadOptions {
  size_t max_bytes = 1 << 20;      // a longer single record is still returned whole
  bool take_unterminated = false;  // a last line without newline is a record (--until-end)
  bool with_meta = false;          // fill effect_id, timestamp and epoch
};

// One partition, one reader. Not thread-safe.
class LogReader {
 public:
  virtual ~LogReader() = default;
  // Replaces *out with the next records, possibly none. Numbered errors of the 3xxx range. What a
  // writer of the same client has appended is seen once it is synced, not before.
  virtual Status Read(const LogReadOptions& options, LogChunk* out) = 0;
};

struct LogAppend {
  std::string value;  // must not hold a newline when the log is line based
  std::string key;
  std::string effect_id;  // stable name of this output (DESIGN promise 2)
  int64_t timestamp_ms = 0;
  // The input record that caused it, and which of its outputs it is; kept where the log has
  // headers. Offset -1 = it has no such cause.
  Origin origin = {};
  uint32_t emit = 0;
};

// Thread-safe: several tasks may share one partition's writer.
class LogWriter {
 public:
  virtual ~LogWriter() = default;
  // Appends in order, at consecutive offsets; returns the first one's. Not durable before Sync.
  // Between two calls offsets may be left out: Kafka's commit markers take some.
  virtual StatusOr<int64_t> Append(std::span<const LogAppend> records) = 0;
  // Everything appended so far survives power loss once this returns OK.
  virtual Status Sync() = 0;
  // Offset of the next append.
  virtual StatusOr<int64_t> EndOffset() = 0;
};

// What a topic is to the job that writes it.
struct TopicSpec {
  enum class Use : uint8_t {
    kOutput,    // for others to read; how long it is kept is their business
    kInternal,  // read again after a restart: nothing may be removed from it, ever
  };
  std::string topic;
  Use use = Use::kOutput;
  int partitions = 1;  // at least
};

class LogClient {
 public:
  virtual ~LogClient() = default;
  // Ascending. A topic that does not exist (yet) has no partitions.
  virtual StatusOr<std::vector<int>> Partitions(const std::string& topic) = 0;
  // The reader verifies `from` at its first Read.
  virtual StatusOr<std::unique_ptr<LogReader>> OpenReader(const std::string& topic, int partition,
                                                          const LogPosition& from) = 0;
  // Creates topic and partition when absent, removes a torn tail. `epoch` stamps every record; a
  // writer of an older epoch than the newest one opened is fenced (kLogFenced).
  virtual StatusOr<std::shared_ptr<LogWriter>> OpenWriter(const std::string& topic, int partition,
                                                          int64_t epoch) = 0;
  // Called for every topic of the job before anybody uses it. Creates it where topics have
  // settings, else looks at what they are: kConfigBadValue if they could lose what must be read
  // again, a warning where they are merely weak.
  virtual Status PrepareTopic(const TopicSpec& spec);
  // The largest value that surely can be appended; 0 = there is no bound.
  virtual size_t max_record_bytes() const { return 0; }
  // Removes a topic and all its data (weir run --fresh).
  virtual Status DeleteTopic(const std::string& topic) = 0;
};

}  // namespace weir
