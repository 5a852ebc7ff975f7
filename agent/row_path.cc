#include "agent/row_path.h"

#include <numeric>
#include <utility>

namespace weir {

RowPath::RowPath(const AgentLoopParts& parts, ResultQueue* results, SlowPath* slow,
                 std::unique_ptr<EventView> view, ProtectedValues protected_values)
    : p_(parts),
      results_(results),
      slow_(slow),
      view_(std::move(view)),
      protected_(std::move(protected_values)),
      waiters_(parts.config->input) {}

void RowPath::Process(RecordBatch batch) {
  p_.metrics->events->Add(static_cast<int64_t>(batch.rows()));
  view_->Load(batch);
  MatchRules(batch);
  passed_.clear();
  for (uint32_t row = 0; row < batch.rows(); ++row) {
    if (Step(batch, row, 0) == Outcome::kPass) passed_.push_back(row);
  }
  p_.metrics->passed->Add(static_cast<int64_t>(passed_.size()));
  if (passed_.size() == batch.rows()) return p_.output->PassAll(std::move(batch));
  p_.output->PassRows(batch, passed_);
}

void RowPath::Release(Flight* flight, size_t max) {
  std::vector<int64_t> sequences;
  std::vector<const std::string*> rows;
  while (!flight->waiters.empty() && sequences.size() < max) {
    sequences.push_back(p_.flights->TakeWaiter(flight));
    rows.push_back(&p_.pending->At(sequences.back()).row);
  }
  const Status status = p_.decoder->Decode(rows, &waiters_);
  if (!status.ok()) return p_.context->Fail(status);
  view_->Load(waiters_);
  MatchRules(waiters_);
  size_t i = 0;
  for (; i < sequences.size() && flight->state == Flight::State::kReleasing; ++i) {
    if (Step(waiters_, i, sequences[i]) == Outcome::kHandled) continue;
    p_.metrics->passed->Add();
    p_.output->Pass(waiters_, i);
    results_->Drop(sequences[i]);
  }
  // One of them asked anew: those behind it wait on, at their place.
  for (size_t rest = sequences.size(); rest > i; --rest) {
    p_.flights->PutBack(flight, sequences[rest - 1]);
  }
  if (flight->state == Flight::State::kReleasing && flight->waiters.empty()) {
    slow_->CloseReleased(flight);
  }
}

void RowPath::MatchRules(const RecordBatch& batch) {
  const size_t old = rows_.size();
  rows_.resize(batch.rows());
  if (old < rows_.size()) std::iota(rows_.begin(), rows_.end(), 0u);
  p_.rules->index()->Match(batch, rows_, view_->signatures(), &matches_);
  const int64_t errors = view_->evaluation_errors() + p_.rules->index()->errors();
  p_.metrics->evaluation_errors->Add(errors - errors_seen_);
  errors_seen_ = errors;
}

RowPath::Outcome RowPath::Step(const RecordBatch& batch, size_t row, int64_t waiter) {
  if (!Signature::Matchable(view_->signatures()[row])) return Outcome::kPass;
  const bool known_key = p_.records->Any(view_->key(row));
  if (known_key && AnswerFromRecord(batch, row, waiter)) return Outcome::kHandled;
  if (IsDecided(row)) {
    slow_->Escalate(*view_, batch, row, waiter);
    return Outcome::kHandled;
  }
  if (waiter == 0) {
    if (Flight* flight = p_.flights->Find(view_->signatures()[row])) {
      return Queue(flight, batch, row);
    }
  }
  slow_->NoteAnswered(*view_, batch, row);
  if (const Rule* rule = matches_[row]) {
    if (rule->stage == RuleStage::kDisabled) {
      // Somebody pulled the kill switch: neither the rule nor another question about it.
      p_.metrics->disabled->Add();
      return Outcome::kPass;
    }
    // A waiter has been counted as avoided by its flight.
    if (waiter == 0 && view_->novel(row)) p_.metrics->avoided_rule->Add();
    return Block(batch, row, rule->id, waiter);
  }
  if (const Standing* standing = known_key ? StandingAt(batch, row) : nullptr) {
    // Whoever waited for an agent that did not come, and whoever follows, is not released.
    return standing->fail_safe ? Block(batch, row, kFailSafeRuleId, waiter) : Outcome::kPass;
  }
  if (!view_->novel(row)) return Outcome::kPass;
  slow_->Escalate(*view_, batch, row, waiter);
  return Outcome::kHandled;
}

// By an incarnation that keyed state knows nothing of. Before any rule: on a replay one may match
// that came after the decision, from another split.
bool RowPath::IsDecided(size_t row) const {
  if (p_.decision_log->known() == 0) return false;
  const int64_t now = p_.context->env().clock->NowMs();
  return p_.decision_log->Find(view_->request_id(row, now)) != nullptr;
}

bool RowPath::AnswerFromRecord(const RecordBatch& batch, size_t row, int64_t waiter) {
  const DecisionRecord* record = p_.records->Find(view_->key(row), view_->fingerprint(row));
  if (record == nullptr) return false;
  const int64_t now = p_.context->env().clock->NowMs();
  if (record->request_id != view_->request_id(row, now)) return false;
  const StatusOr<Decision> decision = DecisionFromBytes(record->decision);
  if (!decision.ok()) {
    p_.context->Fail(decision.status());
    return true;
  }
  // The event that was decided, not the copy that came now: same origin, same bytes.
  RecordBatch original(batch.schema());
  const Status status = p_.decoder->Decode(record->row, &original);
  if (!status.ok()) {
    p_.context->Fail(status);
    return true;
  }
  p_.metrics->avoided_record->Add();
  p_.output->Decide(original, 0, *decision);
  if (waiter != 0) results_->Drop(waiter);
  return true;
}

RowPath::Outcome RowPath::Queue(Flight* flight, const RecordBatch& batch, size_t row) {
  // With back-pressure the bound holds between batches (CanAccept): a batch is never cut.
  if (!p_.config->backpressure && !p_.flights->HasRoom(*flight)) {
    if (IsProtected(batch, row)) return Outcome::kPass;
    // At once: to keep it in its key's order would be to let it wait.
    p_.metrics->blocked->Add();
    p_.metrics->waiters_refused->Add();
    p_.output->Block(batch, row, kFailSafeRuleId);
    return Outcome::kHandled;
  }
  if (view_->novel(row)) p_.metrics->avoided_flight->Add();
  results_->Wait(flight, *view_, batch, row);
  return Outcome::kHandled;
}

bool RowPath::IsProtected(const RecordBatch& batch, size_t row) {
  if (!protected_.Covers(batch, row)) return false;
  p_.metrics->protected_rows->Add();
  return true;
}

RowPath::Outcome RowPath::Block(const RecordBatch& batch, size_t row, std::string_view rule_id,
                                int64_t waiter) {
  if (IsProtected(batch, row)) return Outcome::kPass;
  results_->Answer(*view_, batch, row, rule_id, waiter);
  return Outcome::kHandled;
}

const Standing* RowPath::StandingAt(const RecordBatch& batch, size_t row) {
  const Standing* standing = p_.records->FindStanding(view_->key(row), view_->signatures()[row]);
  if (standing == nullptr) return nullptr;
  const int64_t time = batch.event_time[row];
  const bool covers =
      time == kNoTimestamp || time - standing->event_time_ms < p_.config->recheck_after_ms;
  return covers ? standing : nullptr;
}

}  // namespace weir
