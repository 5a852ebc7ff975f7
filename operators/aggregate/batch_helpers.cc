#include "operators/aggregate/batch_helpers.h"

#include <numeric>
#include <utility>

#include "engine/core/state.h"

namespace weir {

RecordBatch AppendColumn(const SchemaPtr& schema, RecordBatch batch, Column column) {
  RecordBatch result(schema);
  const int width = batch.width();
  WEIR_CHECK(result.width() == width + 1 && column.size() == batch.rows());
  for (int c = 0; c < width; ++c) result.column(c) = std::move(batch.column(c));
  result.column(width) = std::move(column);
  result.event_time = std::move(batch.event_time);
  result.origin = std::move(batch.origin);
  result.emit = std::move(batch.emit);
  result.key_group = std::move(batch.key_group);
  result.key_hash = std::move(batch.key_hash);
  return result;
}

StatusOr<RowCondition> RowCondition::Create(const std::string& where, const Schema& schema) {
  RowCondition condition;
  if (where.empty()) return condition;
  ExprOptions options;
  options.result = TypeKind::kBool;
  WEIR_ASSIGN_OR_RETURN(condition.program_, CompileExpr(where, schema, options));
  return condition;
}

std::span<const uint32_t> RowCondition::Select(const RecordBatch& batch) {
  if (program_ == nullptr) {
    // The numbers stay from call to call; they are the same for every batch.
    const size_t have = rows_.size();
    if (have < batch.rows()) {
      rows_.resize(batch.rows());
      std::iota(rows_.begin() + static_cast<ptrdiff_t>(have), rows_.end(), have);
    }
    return {rows_.data(), batch.rows()};
  }
  rows_.clear();
  failed_.clear();
  error_.clear();
  program_->Filter(batch, &rows_, &failed_, &error_);
  if (errors_ != nullptr) errors_->Add(static_cast<int64_t>(failed_.size()));
  return rows_;
}

std::span<const StateKey> KeyedRows::Load(const RecordBatch& batch, std::span<const uint32_t> rows,
                                          StateTable* table) {
  selector_.Select(batch, &keys_);
  state_keys_.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    state_keys_[i] = MakeStateKey(KeyRef{batch.key_group[row], batch.key_hash[row], keys_[row]});
  }
  table->Prefetch(state_keys_);
  return state_keys_;
}

}  // namespace weir
