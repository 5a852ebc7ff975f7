// Turns the records of a split into batches, watermarks and dead letters, in their order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "connectors/log/log_options.h"
#include "engine/core/operator.h"
#include "engine/core/watermarks.h"

namespace weir {

// A split's records that have been read but not emitted, and its event time.
struct SplitRows {
  int32_t partition = 0;
  int watermark_number = 0;  // in SplitWatermarks
  BoundedOutOfOrderness event_time;
  IdlenessTimer idleness;
  LogChunk chunk;
  size_t next = 0;  // first item that is not emitted
  bool empty() const { return next >= chunk.items.size(); }
};

struct SourceClock {
  int64_t wall_ms;
  int64_t mono_ms;
};

class RowEmitter {
 public:
  static constexpr int kRowPort = 0;
  static constexpr int kDeadLetterPort = 1;

  // `options` and `watermarks` outlive the emitter.
  Status Open(const LogSourceOptions& options, OperatorContext* context, Collector* out,
              SplitWatermarks* watermarks);
  // Says on every port whether there is anything to read, before all else (Source::Started).
  void Report(bool idle);
  // Emits up to options.batch_rows of the split's records.
  Status EmitSome(SplitRows* split, const SourceClock& now);
  // Emits what has changed in the combined watermark and, when `all_idle`, idleness.
  void EmitProgress(bool all_idle);

 private:
  static constexpr int kPorts = 2;
  bool has_event_time() const { return options_->event_time_field >= 0; }
  RecordBatch* Batch();
  // Appends the record as a row, or leaves the batch as it was.
  Status AppendRow(const SplitRows& split, const LogItem& item, const SourceClock& now);
  Status ReadEventTime(const RecordBatch& batch, int64_t wall_ms, int64_t* ms) const;
  // Gives a bad record away, or fails the job if that is what the topology asks for.
  Status Reject(const SplitRows& split, const LogItem& item, const Status& error);
  void EmitRows();
  void EmitWatermark(int port);
  void EmitIdle(int port, bool idle);

  const LogSourceOptions* options_ = nullptr;
  Collector* out_ = nullptr;
  SplitWatermarks* watermarks_ = nullptr;
  std::unique_ptr<RecordDecoder> decoder_;
  std::optional<RecordBatch> batch_;
  std::optional<RecordBatch> dead_letters_;
  size_t last_rows_ = 0;  // of the batch before: how much memory to get at once
  int64_t emitted_ms_[kPorts] = {kNoTimestamp, kNoTimestamp};
  bool idle_[kPorts] = {false, false};
  Counter* records_ = nullptr;
  Counter* bytes_ = nullptr;
  Counter* rejected_ = nullptr;
};

}  // namespace weir
