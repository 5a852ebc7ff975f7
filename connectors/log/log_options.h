// What a topology may say about a source or sink on a log (DESIGN section 6).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/format.h"
#include "engine/core/log_client.h"
#include "engine/core/options.h"
#include "engine/core/watermarks.h"
#include "engine/model/types.h"

namespace weir {

struct LogSourceOptions {
  enum class Start : uint8_t { kEarliest, kLatest };
  enum class Emit : uint8_t {
    kEachRecord,  // each record sees the watermark of the one before, whatever the batches
    kPeriodic,    // a watermark after each batch
  };
  enum class OnError : uint8_t { kDeadLetter, kFail };

  std::string topic;
  Start start = Start::kEarliest;  // for partitions that stood there when the job first began
  SchemaPtr schema;
  std::function<StatusOr<std::unique_ptr<RecordDecoder>>()> new_decoder;
  int event_time_field = -1;  // column of type timestamp_ms or int64; -1 = no event time
  int64_t out_of_orderness_ms = 0;
  Emit emit = Emit::kEachRecord;
  int64_t idleness_ms = 0;  // 0 = a quiet partition holds event time back
  AllIdlePolicy all_idle = AllIdlePolicy::kHold;
  int64_t max_ahead_ms = 3'600'000;
  OnError on_error = OnError::kDeadLetter;
  bool until_end = false;
  uint32_t source_number = 0;      // Origin::source of its rows
  std::shared_ptr<LogClient> log;  // null = the job's

  // Not in YAML.
  size_t batch_rows = 1024;
  size_t chunk_bytes = size_t{1} << 20;  // per read; less with many splits
  int64_t discovery_ms = 1000;
};

struct LogSinkOptions {
  std::string topic;
  std::vector<int> columns;        // of the input, in the order of the output; empty = all
  bool exactly_once = false;       // output waits for its checkpoint, see held_output.h
  std::shared_ptr<LogClient> log;  // null = the job's
  std::function<StatusOr<std::unique_ptr<RecordEncoder>>()> new_encoder;  // null = JSON

  // Not in YAML.
  size_t max_pending_bytes = size_t{8} << 20;
  // exactly_once: beyond a quarter of this a checkpoint is asked for, beyond all of it the job
  // fails.
  size_t max_held_bytes = size_t{256} << 20;
  int64_t settle_ms = 3'600'000;  // see sink_tail.h
};

// Names, types, defaults, ranges and documentation of what YAML may say.
const std::vector<OptionDef>& LogSourceOptionDefs();
const std::vector<OptionDef>& LogSinkOptionDefs();

// Everything that can be taken from checked options as it stands. The caller adds schema, decoder,
// event_time_field (from event_time.field), log, until_end and source_number; and columns and log.
LogSourceOptions LogSourceOptionsFrom(const Options& options);
LogSinkOptions LogSinkOptionsFrom(const Options& options);

}  // namespace weir
