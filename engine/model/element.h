// What flows through a channel (DESIGN section 2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "engine/model/record_batch.h"

namespace weir {

// No element with event time <= ms is expected any more. Strictly increasing on every channel.
struct Watermark {
  int64_t ms;
};
// The channel does not hold back event time until its next watermark (Flink's WatermarkStatus).
struct IdleStatus {
  bool idle;
};
enum class SnapshotKind : uint8_t { kCheckpoint, kSavepoint };
// Cuts the stream: everything before belongs to checkpoint `id`.
struct Barrier {
  int64_t id = 0;
  SnapshotKind kind = SnapshotKind::kCheckpoint;
  std::shared_ptr<const std::string> savepoint;  // its name; set for savepoints only
};
// The source has given all that there is for now; operators finish what is pending. More may follow
// after a restart, so this never advances event time (reliability.md I-28).
struct EndOfInput {};

using StreamElement =
    std::variant<std::monostate, RecordBatch, Watermark, IdleStatus, Barrier, EndOfInput>;

}  // namespace weir
