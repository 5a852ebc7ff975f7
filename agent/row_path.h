// The path of a row through the agent loop: answered from a record, waiting, answered by a rule,
// escalated, or passed (DESIGN section 2, "A decision").
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "agent/protected_values.h"
#include "agent/slow_path.h"

namespace weir {

class RowPath {
 public:
  RowPath(const AgentLoopParts& parts, ResultQueue* results, SlowPath* slow,
          std::unique_ptr<EventView> view, ProtectedValues protected_values);

  // New events, in order of arrival.
  void Process(RecordBatch batch);
  // Evaluates up to `max` waiters of a flight that is being released, in their order.
  void Release(Flight* flight, size_t max);

 private:
  // What becomes of a row.
  enum class Outcome : uint8_t { kPass, kHandled };

  void MatchRules(const RecordBatch& batch);
  Outcome Step(const RecordBatch& batch, size_t row, int64_t waiter);
  bool IsDecided(size_t row) const;
  bool AnswerFromRecord(const RecordBatch& batch, size_t row, int64_t waiter);
  Outcome Queue(Flight* flight, const RecordBatch& batch, size_t row);
  bool IsProtected(const RecordBatch& batch, size_t row);
  // Answers by the rule, unless the row is protected.
  Outcome Block(const RecordBatch& batch, size_t row, std::string_view rule_id, int64_t waiter);
  // The standing decision about the row's signature, or nullptr if none covers its time.
  const Standing* StandingAt(const RecordBatch& batch, size_t row);

  AgentLoopParts p_;
  ResultQueue* results_;
  SlowPath* slow_;
  std::unique_ptr<EventView> view_;
  ProtectedValues protected_;
  RecordBatch waiters_;
  std::vector<uint32_t> rows_, passed_;
  std::vector<const Rule*> matches_;
  int64_t errors_seen_ = 0;
};

}  // namespace weir
