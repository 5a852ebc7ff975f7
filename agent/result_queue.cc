#include "agent/result_queue.h"

#include <utility>

namespace weir {

PendingEntry ResultQueue::MakeEntry(PendingEntry::Kind kind, const EventView& view,
                                    const RecordBatch& batch, size_t row) const {
  PendingEntry entry;
  entry.kind = kind;
  entry.key_hash = batch.key_hash[row];
  entry.watermark = p_.context->watermark();
  entry.signature = view.signatures()[row];
  EncodeRow(batch, row, &entry.row);
  return entry;
}

void ResultQueue::Wait(Flight* flight, const EventView& view, const RecordBatch& batch,
                       size_t row) {
  PendingEntry entry = MakeEntry(PendingEntry::Kind::kWaiter, view, batch, row);
  p_.flights->AddWaiter(flight, p_.pending->Add(batch.key_group[row], std::move(entry)));
}

void ResultQueue::Answer(const EventView& view, const RecordBatch& batch, size_t row,
                         std::string_view rule_id, int64_t waiter) {
  p_.metrics->blocked->Add();
  if (waiter != 0) {
    PendingEntry* entry = p_.pending->Edit(waiter);
    entry->kind = PendingEntry::Kind::kAnswered;
    entry->rule_id = rule_id;
    Complete(waiter);
  } else if (p_.pending->queue()->MustQueue(batch.key_hash[row])) {
    PendingEntry entry = MakeEntry(PendingEntry::Kind::kAnswered, view, batch, row);
    entry.rule_id = rule_id;
    Complete(p_.pending->Add(batch.key_group[row], std::move(entry)));
  } else {
    p_.output->Block(batch, row, rule_id);
  }
}

void ResultQueue::Drop(int64_t sequence) {
  p_.pending->Remove(sequence);
  Complete(sequence);
}

void ResultQueue::Complete(int64_t sequence) {
  if (p_.pending->queue()->Complete(sequence)) EmitReady();
}

void ResultQueue::MarkSettled(int64_t sequence) {
  PendingEntry* entry = p_.pending->Edit(sequence);
  if (entry == nullptr) return;
  entry->settled = true;
  if (entry->emitted) p_.pending->Remove(sequence);
}

// At once after each completion: a later result that need not queue must not overtake.
void ResultQueue::EmitReady() {
  p_.pending->queue()->TakeReady(&ready_);
  for (const int64_t s : ready_) {
    const PendingEntry* entry = p_.pending->Get(s);
    if (entry == nullptr) continue;  // dropped
    const Status decoded = p_.decoder->Decode(entry->row, &scratch_);
    if (!decoded.ok()) return p_.context->Fail(decoded);
    if (entry->kind == PendingEntry::Kind::kRequest) {
      EmitRequest(s);
    } else {
      p_.output->Block(scratch_, 0, entry->rule_id);
      p_.pending->Remove(s);
    }
  }
}

void ResultQueue::EmitRequest(int64_t sequence) {
  PendingEntry* entry = p_.pending->Edit(sequence);
  const StatusOr<Decision> decision = DecisionFromBytes(entry->decision);
  if (!decision.ok()) return p_.context->Fail(decision.status());
  p_.metrics->decisions->Add();
  p_.output->Decide(scratch_, 0, *decision);
  p_.output->Act(scratch_, 0, *decision);
  entry->emitted = true;
  if (entry->settled) p_.pending->Remove(sequence);
}

}  // namespace weir
