// Values that no rule may answer, whatever an agent proposes: "src_ip=10.0.0.1".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/expr/program.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir {

class ProtectedValues {
 public:
  // kPlanSchema or kConfigBadValue; the message names the entry.
  static StatusOr<ProtectedValues> Create(const Schema& schema,
                                          const std::vector<std::string>& entries);
  // True if the row carries one of the values.
  bool Covers(const RecordBatch& batch, size_t row) const;
  // True if the predicate demands one of the values.
  bool PinnedBy(const ExprProgram& program) const;
  bool empty() const { return values_.empty(); }

 private:
  std::vector<std::pair<int, Value>> values_;  // column, value
};

}  // namespace weir
