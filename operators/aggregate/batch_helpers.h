// What the keyed counts share: appending a column to a batch, choosing the rows that count, and
// their addresses in state.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/metrics.h"
#include "engine/base/status.h"
#include "engine/core/state_backend.h"
#include "engine/expr/program.h"
#include "engine/model/key.h"
#include "engine/model/record_batch.h"

namespace weir {

// The batch with one more column at its end. `schema` is the batch's own plus that field.
RecordBatch AppendColumn(const SchemaPtr& schema, RecordBatch batch, Column column);

// An optional CEL condition. A row on which it fails does not satisfy it.
class RowCondition {
 public:
  // "" = every row satisfies it.
  static StatusOr<RowCondition> Create(const std::string& where, const Schema& schema);
  // Counts failed rows there.
  void CountErrors(Counter* counter) { errors_ = counter; }
  // The rows that satisfy the condition, ascending. Valid until the next call.
  std::span<const uint32_t> Select(const RecordBatch& batch);

 private:
  std::unique_ptr<ExprProgram> program_;
  std::vector<uint32_t> rows_, failed_;
  std::string error_;
  Counter* errors_ = nullptr;
};

// Addresses of rows in state, prefetched together.
class KeyedRows {
 public:
  explicit KeyedRows(KeySelector selector) : selector_(std::move(selector)) {}
  // Valid until the next call or until the batch changes; one per entry of `rows`.
  std::span<const StateKey> Load(const RecordBatch& batch, std::span<const uint32_t> rows,
                                 StateTable* table);

 private:
  KeySelector selector_;
  std::vector<std::string_view> keys_;
  std::vector<StateKey> state_keys_;
};

}  // namespace weir
