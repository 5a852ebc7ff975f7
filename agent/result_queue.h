// Entries that wait, and their results in the order that was asked for (D12).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/agent_loop_parts.h"
#include "agent/event_view.h"

namespace weir {

class ResultQueue {
 public:
  explicit ResultQueue(const AgentLoopParts& parts) : p_(parts), scratch_(parts.config->input) {}

  // The row waits behind its signature's flight, which has room.
  void Wait(Flight* flight, const EventView& view, const RecordBatch& batch, size_t row);
  // The row is answered by `rule_id`, in its turn. `waiter` is its entry if it waited, else 0.
  void Answer(const EventView& view, const RecordBatch& batch, size_t row, std::string_view rule_id,
              int64_t waiter);
  // The entry goes without a result.
  void Drop(int64_t sequence);
  // The entry's result is known; what may leave now does.
  void Complete(int64_t sequence);
  // Nobody waits for the request any more; it goes once its rows have left.
  void MarkSettled(int64_t sequence);
  // What became ready while state was restored.
  void EmitReady();

  // An entry for this row, its kind's own fields still empty.
  PendingEntry MakeEntry(PendingEntry::Kind kind, const EventView& view, const RecordBatch& batch,
                         size_t row) const;

 private:
  void EmitRequest(int64_t sequence);

  AgentLoopParts p_;
  RecordBatch scratch_;
  std::vector<int64_t> ready_;
};

}  // namespace weir
