#include "engine/model/record_batch.h"

#include <utility>

namespace weir {
namespace {

template <typename T>
void GatherInto(const std::vector<T>& from, std::span<const uint32_t> rows, std::vector<T>* to) {
  const size_t old = to->size();
  to->resize(old + rows.size());
  T* out = to->data() + old;
  for (const uint32_t row : rows) *out++ = from[row];
}

}  // namespace

RecordBatch::RecordBatch(SchemaPtr schema) : schema_(std::move(schema)) {
  columns_.reserve(schema_->fields().size());
  for (const Field& field : schema_->fields()) columns_.emplace_back(field.type);
}

void RecordBatch::AppendMeta(const RecordBatch& from, size_t i) {
  AppendMeta(from.event_time[i], from.origin[i], from.emit[i]);
  if (from.key_group.empty()) return;
  key_group.push_back(from.key_group[i]);
  key_hash.push_back(from.key_hash[i]);
}

void RecordBatch::AppendMeta(int64_t event_time_ms, Origin row_origin, uint32_t row_emit) {
  event_time.push_back(event_time_ms);
  origin.push_back(row_origin);
  emit.push_back(row_emit);
}

void RecordBatch::Gather(const RecordBatch& from, std::span<const uint32_t> rows) {
  WEIR_CHECK(from.schema_ == schema_ || *from.schema_ == *schema_);
  GatherInto(from.event_time, rows, &event_time);
  GatherInto(from.origin, rows, &origin);
  GatherInto(from.emit, rows, &emit);
  if (!from.key_group.empty()) {
    GatherInto(from.key_group, rows, &key_group);
    GatherInto(from.key_hash, rows, &key_hash);
  }
  for (size_t c = 0; c < columns_.size(); ++c) columns_[c].Gather(from.columns_[c], rows);
}

void RecordBatch::AppendRow(const RecordBatch& from, size_t i) {
  WEIR_CHECK(from.schema_ == schema_ || *from.schema_ == *schema_);
  AppendMeta(from, i);
  for (size_t c = 0; c < columns_.size(); ++c) columns_[c].AppendFrom(from.columns_[c], i);
}

RecordBatch RecordBatch::Copy() const {
  RecordBatch copy(schema_);
  copy.event_time = event_time;
  copy.origin = origin;
  copy.emit = emit;
  copy.key_group = key_group;
  copy.key_hash = key_hash;
  copy.columns_ = columns_;
  return copy;
}

void RecordBatch::TruncateColumns(size_t rows) {
  for (Column& column : columns_) {
    if (column.size() >= rows) column.Truncate(rows);
  }
}

void RecordBatch::Clear() {
  event_time.clear();
  origin.clear();
  emit.clear();
  key_group.clear();
  key_hash.clear();
  for (Column& column : columns_) column.Clear();
}

size_t RecordBatch::MemoryBytes() const {
  size_t bytes = event_time.size() * sizeof(int64_t) + origin.size() * sizeof(Origin) +
                 emit.size() * sizeof(uint32_t) + key_group.size() * sizeof(uint16_t) +
                 key_hash.size() * sizeof(uint64_t);
  for (const Column& column : columns_) bytes += column.MemoryBytes();
  return bytes;
}

}  // namespace weir
