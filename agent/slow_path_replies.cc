// What comes back from the agent, in time, late, twice or never.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/slow_path.h"
#include "engine/base/fail_point.h"
#include "engine/base/log.h"
#include "engine/core/agent_errors.h"

namespace weir {

bool SlowPath::IsOpen(int64_t sequence, const std::string& request_id) {
  const PendingEntry* e = p_.pending->Get(sequence);
  return e != nullptr && e->kind == PendingEntry::Kind::kRequest && e->request_id == request_id &&
         !e->decided && appending_.count(sequence) == 0;
}

void SlowPath::OnReply(int64_t sequence, const std::string& request_id,
                       const StatusOr<AgentReply>& reply) {
  if (!IsOpen(sequence, request_id)) {
    p_.metrics->late_replies->Add();
    return OnLateReply(request_id, reply);
  }
  const int attempt = attempts_.attempt(sequence);
  if (!reply.ok()) {
    if (IsWorthAnotherAttempt(reply.status())) {
      return attempts_.RetryLater(sequence, p_.context->env().clock->MonoNs(),
                                  RetryAfterMs(reply.status()) * 1'000'000);
    }
    return DecideByFailSafe(sequence, reply.status(), attempt);
  }
  Decision decision = StartDecision(sequence, attempt);
  int64_t refused = 0;
  p_.metrics->rule_proposed->Add(static_cast<int64_t>(reply->rules.size()));
  const Status status = decider_.Apply(*reply, MakeTrigger(request_id), &decision, &refused);
  p_.metrics->rule_refused->Add(refused);
  if (status.ok() && refused > 0) {
    const OperatorInfo& info = p_.context->info();
    LogRepeated(LogLevel::kWarning, p_.config->name, "rule refused",
                absl::StrCat("request ", request_id, ": ", decision.reason),
                {info.uid, info.subtask, 0});
  }
  if (!status.ok()) {
    // Asking again until a reply is well-formed would spend without bound (reliability H-26).
    p_.metrics->bad_replies->Add();
    return DecideByFailSafe(sequence, status, attempt);
  }
  Append(sequence, decision);
}

void SlowPath::DecideByFailSafe(int64_t sequence, const Status& cause, int attempt) {
  Decision decision = StartDecision(sequence, attempt);
  p_.config->fail_safe.Apply(cause, &decision);
  p_.metrics->failsafe->Add();
  late_.Remember(MakeLate(sequence));
  Append(sequence, decision);
}

// Of the entry whose event is loaded.
LateReplies::Entry SlowPath::MakeLate(int64_t sequence) {
  const PendingEntry& e = *p_.pending->Get(sequence);
  LateReplies::Entry late;
  late.request_id = e.request_id;
  late.signature = e.signature;
  late.row = e.row;
  late.group = p_.pending->GroupOf(sequence);
  late.key_hash = e.key_hash;
  late.seq = e.seq;
  late.newest = {scratch_.origin[0], scratch_.event_time[0]};
  return late;
}

void SlowPath::OnWake() {
  std::vector<Attempts::Due> due;
  attempts_.TakeDue(p_.context->env().clock->MonoNs(), &due);
  for (const Attempts::Due& d : due) {
    if (!d.gave_up) {
      p_.metrics->retries->Add();
      Send(d.sequence);
    } else if (WEIR_PLANTED_BUG("B-69") && d.attempt > 1) {
      const std::string signature = p_.pending->Get(d.sequence)->signature;
      results_->Drop(d.sequence);
      Release(p_.flights->Find(signature));
    } else {
      DecideByFailSafe(
          d.sequence, Err(ErrorCode::kAgentTimeout, "the agent did not answer in time"), d.attempt);
    }
  }
}

// The request has its decision already, or there is none of this id.
void SlowPath::OnLateReply(const std::string& request_id, const StatusOr<AgentReply>& reply) {
  if (!reply.ok()) return;
  if (WEIR_PLANTED_BUG("H-7")) return HandleTwice(request_id, *reply);
  const LateReplies::Entry* found = late_.Find(request_id);
  // A decision that is still on its way, or a newer request of the signature, goes first.
  if (found == nullptr || p_.flights->Find(found->signature) != nullptr) return;
  const std::optional<LateReplies::Entry> late = late_.Take(request_id);
  Load(late->row);
  // It must not answer what has passed or been answered since.
  scratch_.origin[0] = late->newest.origin;
  const int64_t event_time = scratch_.event_time[0];
  Decision decision;
  decision.request_id = request_id;
  int64_t refused = 0;
  if (!decider_.Apply(*reply, MakeTrigger(request_id), &decision, &refused).ok()) return;
  if (!decision.rule) return;
  decision.rule->origin.event_time_ms = std::max(event_time, late->newest.event_time_ms);
  decision.event_time_ms = event_time;
  decision.seq = late->seq;
  decision.key = std::string(view_->key(0).bytes);
  PendingEntry entry;
  entry.kind = PendingEntry::Kind::kRequest;
  entry.decided = entry.emitted = true;  // the fail-safe's decision is what was emitted
  entry.key_hash = late->key_hash;
  entry.seq = late->seq;
  entry.row = late->row;
  entry.signature = late->signature;
  entry.request_id = request_id;
  entry.decision = DecisionToBytes(decision);
  const int64_t s = p_.pending->Add(late->group, std::move(entry));
  p_.flights->Open(late->signature, s);
  Settle(s, decision);
}

// The planted bug: a reply is handled whether or not its request is still open.
void SlowPath::HandleTwice(const std::string& request_id, const AgentReply& reply) {
  const LateReplies::Entry* late = late_.Find(request_id);
  if (late == nullptr) return;
  Load(late->row);
  Decision decision;
  decision.request_id = request_id;
  decision.seq = late->seq;
  int64_t refused = 0;
  if (!decider_.Apply(reply, MakeTrigger(request_id), &decision, &refused).ok()) return;
  p_.output->Decide(scratch_, 0, decision);
  p_.output->Act(scratch_, 0, decision);
}

}  // namespace weir
