// The unit of all work: 1 to 4096 rows of one schema, in columns, with hidden columns for
// provenance, time and key (DESIGN D1). Batch boundaries are unobservable to an operator's result.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/model/column.h"
#include "engine/model/types.h"

namespace weir {

inline constexpr size_t kMaxBatchRows = 4096;
inline constexpr int64_t kNoTimestamp = INT64_MIN;   // also the watermark before any
inline constexpr int64_t kMaxTimestamp = INT64_MAX;  // the watermark after all

// Where a row came from: its root record in a source's log. `emit` numbers the outputs that one
// root produced, so (origin, emit) names an output for ever (effect_id, DESIGN promise 2).
struct Origin {
  uint32_t source = 0;  // number of the source in the plan
  int32_t partition = 0;
  int64_t offset = -1;
  bool operator==(const Origin&) const = default;
};

// Movable only; owned by exactly one place at a time.
class RecordBatch {
 public:
  explicit RecordBatch(SchemaPtr schema);
  RecordBatch(RecordBatch&&) = default;
  RecordBatch& operator=(RecordBatch&&) = default;
  RecordBatch(const RecordBatch&) = delete;

  const SchemaPtr& schema() const { return schema_; }
  size_t rows() const { return event_time.size(); }
  bool empty() const { return event_time.empty(); }
  const Column& column(int i) const { return columns_[i]; }
  Column& column(int i) { return columns_[i]; }
  int width() const { return static_cast<int>(columns_.size()); }

  // Hidden columns; all have rows() entries, except key_group and key_hash which are empty on an
  // unkeyed stream.
  std::vector<int64_t> event_time;  // ms, kNoTimestamp if none
  std::vector<Origin> origin;
  std::vector<uint32_t> emit;
  std::vector<uint16_t> key_group;
  std::vector<uint64_t> key_hash;

  // Appends the hidden columns of row i of `from`, the key if it has one. The caller appends the
  // visible ones.
  void AppendMeta(const RecordBatch& from, size_t i);
  // Appends hidden columns of a new row that has no input row; it has no key yet.
  void AppendMeta(int64_t event_time_ms, Origin row_origin, uint32_t row_emit);
  // Appends whole rows of a batch with the same schema.
  void Gather(const RecordBatch& from, std::span<const uint32_t> rows);
  void AppendRow(const RecordBatch& from, size_t i);
  RecordBatch Copy() const;
  // Drops the visible values of all rows from `rows` on: undoes what a failed append left behind.
  void TruncateColumns(size_t rows);
  void Clear();  // keeps the memory
  // Bytes of the rows held, not of the memory kept for more.
  size_t MemoryBytes() const;

 private:
  SchemaPtr schema_;
  std::vector<Column> columns_;
};

}  // namespace weir
