#include "agent/slow_path.h"

#include <algorithm>
#include <utility>

#include "engine/base/fail_point.h"

namespace weir {

namespace {

constexpr size_t kMaxLate = 1000;

Attempts::Config AttemptsConfig(const AgentLoopConfig& config) {
  Attempts::Config out;
  out.capacity = config.capacity;
  out.timeout_ns = config.timeout_ms * 1'000'000;
  out.attempt_timeout_ns = config.attempt_timeout_ms * 1'000'000;
  return out;
}

}  // namespace

SlowPath::SlowPath(const AgentLoopParts& parts, ResultQueue* results,
                   std::unique_ptr<EventView> view, Masking masking, Decider decider,
                   std::shared_ptr<AgentChannel> channel, std::function<void()> after_mail)
    : p_(parts),
      results_(results),
      view_(std::move(view)),
      masking_(std::move(masking)),
      decider_(std::move(decider)),
      channel_(std::move(channel)),
      after_mail_(std::move(after_mail)),
      attempts_(AttemptsConfig(*parts.config)),
      late_(kMaxLate),
      scratch_(parts.config->input) {}

Status SlowPath::RestoreFlights() {
  const std::vector<int64_t> sequences = p_.pending->Sequences();
  for (const int64_t s : sequences) {
    const PendingEntry& e = p_.pending->At(s);
    if (e.kind != PendingEntry::Kind::kRequest || e.settled) continue;
    // Two old subtasks may each have asked about a signature: the first leads the waiters.
    if (p_.flights->Find(e.signature) == nullptr) p_.flights->Open(e.signature, s);
  }
  for (const int64_t s : sequences) {
    const PendingEntry& e = p_.pending->At(s);
    if (e.kind != PendingEntry::Kind::kWaiter) continue;
    Flight* flight = p_.flights->Find(e.signature);
    if (flight == nullptr) {
      // Its request went to another subtask: it is evaluated on its own.
      flight = p_.flights->Open(e.signature, 0);
      Release(flight);
    }
    p_.flights->AddWaiter(flight, s);
  }
  return absl::OkStatus();
}

void SlowPath::Resume() {
  for (const int64_t s : p_.pending->Sequences()) {
    const PendingEntry* e = p_.pending->Get(s);
    if (e == nullptr || e->kind != PendingEntry::Kind::kRequest || e->settled) continue;
    if (!e->decided) {
      Consult(s, true);
      continue;
    }
    const StatusOr<Decision> decision = DecisionFromBytes(e->decision);
    if (!decision.ok()) return p_.context->Fail(decision.status());
    Settle(s, *decision);
  }
  results_->EmitReady();
}

void SlowPath::Load(const std::string& row) {
  const Status status = p_.decoder->Decode(row, &scratch_);
  WEIR_CHECK(status.ok(), "a pending event must decode");
  view_->Load(scratch_);
}

void SlowPath::Escalate(const EventView& view, const RecordBatch& batch, size_t row,
                        int64_t waiter) {
  const KeyRef key = view.key(row);
  const std::string signature(view.signatures()[row]);
  PendingEntry entry = waiter != 0
                           ? *p_.pending->Get(waiter)
                           : results_->MakeEntry(PendingEntry::Kind::kRequest, view, batch, row);
  entry.kind = PendingEntry::Kind::kRequest;
  entry.seq = p_.records->NextSeq(key);
  entry.request_id = view.request_id(row, p_.context->env().clock->NowMs());
  int64_t sequence = waiter;
  if (waiter != 0) {
    *p_.pending->Edit(waiter) = std::move(entry);
  } else {
    sequence = p_.pending->Add(key.group, std::move(entry));
  }
  p_.metrics->escalated->Add();
  Flight* flight = p_.flights->Find(signature);
  if (flight == nullptr) {
    p_.flights->Open(signature, sequence);
  } else if (waiter != 0) {
    // One of its waiters asks anew; the others stay behind it.
    results_->MarkSettled(flight->leader);
    flight->leader = sequence;
    flight->state = Flight::State::kAsking;
  }  // else it was decided long ago, and nobody waits for it
  Consult(sequence, false);
}

void SlowPath::Consult(int64_t sequence, bool restored) {
  const std::string request_id = p_.pending->Get(sequence)->request_id;
  if (!WEIR_PLANTED_BUG("H-1")) {
    if (const Decision* known = p_.decision_log->Find(request_id)) {
      p_.metrics->avoided_decision_log->Add();
      const Decision decision = *known;  // recording it makes the log forget it
      return Record(sequence, decision);
    }
  }
  // Restored requests all get their turn, whatever the capacity is now.
  if (!restored && !p_.config->backpressure && !HasCapacity()) {
    p_.metrics->avoided_capacity->Add();
    return DecideByFailSafe(
        sequence, Err(ErrorCode::kAgentCapacity, "the agent had no place for the request"), 0);
  }
  attempts_.Add(sequence);
  Pump();
}

void SlowPath::Pump() {
  const int64_t now = p_.context->env().clock->MonoNs();
  for (int64_t s = attempts_.TakeSendable(now); s >= 0; s = attempts_.TakeSendable(now)) {
    asked_ms_[s] = p_.context->env().clock->NowMs();
    Send(s);
  }
}

void SlowPath::Send(int64_t sequence) {
  const PendingEntry entry = *p_.pending->Get(sequence);
  Load(entry.row);
  const Env& env = p_.context->env();
  AgentRequest request;
  request.request_id = entry.request_id;
  request.operator_uid = p_.config->uid;
  request.job = p_.config->job;
  request.signature = masking_.SignatureText(scratch_, 0);
  request.event_time_ms = scratch_.event_time[0];
  request.context_json = masking_.Context(scratch_, 0);
  const int64_t left_ns = attempts_.deadline_ns(sequence) - env.clock->MonoNs();
  request.deadline_ms = env.clock->NowMs() + left_ns / 1'000'000;
  request.attempt = attempts_.attempt(sequence);
  p_.metrics->calls->Add();
  WEIR_SIM_POINT("agent.send");
  // The reply may come on any thread, twice, or after this operator is gone: the mail sorts it out.
  channel_->Decide(request, [this, mail = p_.context->mail(), sequence,
                             id = entry.request_id](StatusOr<AgentReply> reply) {
    mail.Post([this, sequence, id, reply = std::move(reply)] {
      WEIR_SIM_POINT("agent.reply");
      OnReply(sequence, id, reply);
      after_mail_();
    });
  });
}

Decision SlowPath::StartDecision(int64_t sequence, int attempt) {
  const PendingEntry* entry = p_.pending->Get(sequence);
  Decision d;
  d.request_id = entry->request_id;
  d.seq = entry->seq;
  d.attempt = attempt;
  Load(entry->row);
  d.key = std::string(view_->key(0).bytes);
  d.event_time_ms = scratch_.event_time[0];
  const auto asked = asked_ms_.find(sequence);
  d.decided_ms = p_.context->env().clock->NowMs();
  d.asked_ms = asked == asked_ms_.end() ? d.decided_ms : asked->second;
  return d;
}

Trigger SlowPath::MakeTrigger(const std::string& request_id) {
  Trigger trigger{&scratch_, 0, view_->signatures()[0], request_id, "", 0, nullptr};
  trigger.now_ms = p_.context->env().clock->NowMs();
  trigger.recorded_version = [this](const std::string& rule_id) {
    return p_.records->HighestVersion(view_->key(0), rule_id);
  };
  return trigger;
}

void SlowPath::Append(int64_t sequence, const Decision& decision) {
  attempts_.Remove(sequence);
  appending_.insert(sequence);
  const uint16_t group = p_.pending->GroupOf(sequence);
  p_.decision_log->Append(group, decision, [this, sequence, decision] {
    appending_.erase(sequence);
    p_.metrics->decision_ms->Record(decision.decided_ms - decision.asked_ms);
    Record(sequence, decision);
    after_mail_();
  });
}

// The decision is durable: from here on it is a fact.
void SlowPath::Record(int64_t sequence, const Decision& decision) {
  asked_ms_.erase(sequence);
  PendingEntry* entry = p_.pending->Edit(sequence);
  entry->decided = true;
  entry->decision = DecisionToBytes(decision);
  Load(entry->row);
  const KeyRef key = view_->key(0);
  p_.records->Put(key, view_->fingerprint(0),
                  DecisionRecord{entry->request_id, entry->row, entry->decision});
  if (!decision.rule) {
    const bool fail_safe = decision.source == Decision::Source::kFailSafe;
    p_.records->SetStanding(key, entry->signature, {scratch_.event_time[0], fail_safe});
  }
  p_.decision_log->Forget(decision.request_id);
  if (WEIR_PLANTED_BUG("H-7")) late_.Remember(MakeLate(sequence));
  results_->Complete(sequence);
  Settle(sequence, decision);
}

void SlowPath::Settle(int64_t sequence, const Decision& decision) {
  const PendingEntry* entry = p_.pending->Get(sequence);
  if (entry == nullptr) return;
  Flight* flight = p_.flights->Find(entry->signature);
  if (flight != nullptr && flight->leader != sequence) flight = nullptr;
  const bool rule_missing = decision.rule && !p_.rules->Has(RuleKey(*decision.rule));
  if (rule_missing) p_.rule_log->Append(*decision.rule);
  if (flight == nullptr) {
    results_->MarkSettled(sequence);
  } else if (rule_missing && !WEIR_PLANTED_BUG("H-10")) {
    AwaitRule(flight, *decision.rule);
  } else {
    Release(flight);
  }
}

void SlowPath::AwaitRule(Flight* flight, const Rule& rule) {
  flight->state = Flight::State::kAwaitRule;
  flight->rule_key = RuleKey(rule);
  awaiting_.emplace(flight->rule_key, flight->signature);
}

void SlowPath::Release(Flight* flight) {
  flight->state = Flight::State::kReleasing;
  to_release_.push_back(flight->signature);
}

void SlowPath::OnRule(const std::string& rule_key) {
  const auto [begin, end] = awaiting_.equal_range(rule_key);
  std::vector<std::string> signatures;
  for (auto it = begin; it != end; ++it) signatures.push_back(it->second);
  awaiting_.erase(begin, end);
  for (const std::string& signature : signatures) {
    Flight* flight = p_.flights->Find(signature);
    const bool waits = flight != nullptr && flight->state == Flight::State::kAwaitRule &&
                       flight->rule_key == rule_key;
    if (waits) Release(flight);
  }
}

Flight* SlowPath::NextRelease() {
  while (!to_release_.empty()) {
    Flight* flight = p_.flights->Find(to_release_.front());
    if (flight != nullptr && flight->state == Flight::State::kReleasing) return flight;
    to_release_.pop_front();
  }
  return nullptr;
}

void SlowPath::CloseReleased(Flight* flight) {
  results_->MarkSettled(flight->leader);
  p_.flights->Close(flight);
}

bool SlowPath::idle() const {
  return p_.pending->size() == 0 && p_.flights->size() == 0 && appending_.empty();
}

}  // namespace weir
