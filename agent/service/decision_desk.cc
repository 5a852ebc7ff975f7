#include "agent/service/decision_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"

namespace weir {

namespace {

constexpr int64_t kTickMs = 50;
constexpr int64_t kSilenceNs = 30'000'000'000;  // beyond the last deadline
constexpr size_t kMaxName = 256;
constexpr size_t kMaxSignature = 16 * 1024;

// Two jobs of one id share nothing.
std::string KeyOf(const AgentRequest& request) {
  std::string key;
  PutBytes(&key, request.job);
  PutBytes(&key, request.operator_uid);
  PutBytes(&key, request.request_id);
  return key;
}

bool IsId(const std::string& id) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), plain);
}

}  // namespace

DecisionDesk::DecisionDesk(const DeskConfig& config, const Env& env,
                           std::shared_ptr<AgentChannel> reasoner, std::unique_ptr<AuditLog> audit,
                           MetricRegistry* metrics)
    : config_(config),
      env_(env),
      reasoner_(std::move(reasoner)),
      audit_(std::move(audit)),
      metrics_(metrics) {}

void DecisionDesk::Start() { ScheduleTick(); }

Status DecisionDesk::Check(const AgentRequest& request, int64_t timeout_ms) const {
  if (!IsId(request.request_id)) {
    return absl::InvalidArgumentError("request_id: 1 to 128 letters, digits, '-' or '_'");
  }
  if (request.job.size() > kMaxName || request.operator_uid.size() > kMaxName) {
    return absl::InvalidArgumentError("job, operator_uid: at most 256 bytes");
  }
  if (request.signature.size() > kMaxSignature) {
    return absl::InvalidArgumentError("signature: at most 16 KiB");
  }
  if (request.context_json.size() > config_.max_context_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("context_json: at most ", config_.max_context_bytes, " bytes"));
  }
  if (timeout_ms == 0) {
    return absl::InvalidArgumentError("timeout_ms or deadline_ms: a request must have one");
  }
  return absl::OkStatus();
}

// Under the lock: may the request be taken?
Status DecisionDesk::Admit(State* s, const std::string& key) {
  if (s->closed) return Err(ErrorCode::kAgentUnavailable, "the agent is going away");
  const auto it = s->flights.find(key);
  if (it != s->flights.end()) {
    if (it->second.waiters.size() < config_.max_waiters) return absl::OkStatus();
    return Err(ErrorCode::kAgentCapacity, "too many copies of this request wait");
  }
  if (s->flights.size() < config_.max_in_flight) return absl::OkStatus();
  return Err(ErrorCode::kAgentCapacity, "the agent has no place for another request");
}

void DecisionDesk::Refuse(const AgentRequest& request, const Status& status, const Done& done) {
  state_.With([&](State*) { metrics_.refused->Add(); });
  audit_->Write("refused", request, {{"error", AuditLog::Text(ToStd(status.message()))}});
  done(status);
}

uint64_t DecisionDesk::Ask(const AgentRequest& request, int64_t timeout_ms, Done done) {
  Status status = Check(request, timeout_ms);
  uint64_t ticket = 0;
  bool joins = false;
  const std::string key = KeyOf(request);
  const int64_t now = env_.clock->MonoNs();
  const int64_t timeout = std::min(timeout_ms, config_.max_timeout_ms);
  state_.With([&](State* s) {
    metrics_.requests->Add();
    if (status.ok() && timeout < 0) {
      status = Err(ErrorCode::kAgentTimeout, "the request's deadline has passed");
    }
    if (status.ok()) status = Admit(s, key);
    if (!status.ok()) return;
    const auto [it, fresh] = s->flights.try_emplace(key);
    joins = !fresh;
    Flight& flight = it->second;
    if (fresh) {
      flight.request = request;
      flight.asked_ns = now;
    }
    const int64_t deadline = now + timeout * 1'000'000;
    flight.expires_ns = std::max(flight.expires_ns, deadline + kSilenceNs);
    ticket = s->next_ticket++;
    flight.waiters.push_back({ticket, deadline, done});
    s->tickets[ticket] = key;
    (joins ? metrics_.joined : metrics_.asked)->Add();
    metrics_.in_flight->Set(static_cast<int64_t>(s->flights.size()));
  });
  if (!status.ok()) {
    Refuse(request, status, done);
    return 0;
  }
  audit_->Write(joins ? "joined" : "asked", request);  // before any answer can leave
  if (joins) return ticket;
  AgentRequest asked = request;
  asked.deadline_ms = env_.clock->NowMs() + timeout;
  reasoner_->Decide(asked, [weak = weak_from_this(), key](const StatusOr<AgentReply>& reply) {
    if (const auto desk = weak.lock()) desk->OnReply(key, reply);
  });
  return ticket;
}

void DecisionDesk::OnReply(const std::string& key, const StatusOr<AgentReply>& reply) {
  Flight flight;
  const bool found = state_.With([&](State* s) {
    const auto it = s->flights.find(key);
    if (it == s->flights.end()) return false;
    flight = std::move(it->second);
    s->flights.erase(it);
    for (const Waiter& waiter : flight.waiters) s->tickets.erase(waiter.ticket);
    metrics_.in_flight->Set(static_cast<int64_t>(s->flights.size()));
    metrics_.latency_us->Record((env_.clock->MonoNs() - flight.asked_ns) / 1000);
    (reply.ok() ? metrics_.answered : metrics_.failed)->Add();
    if (reply.ok()) {
      metrics_.tokens_in->Add(std::max<int64_t>(0, reply->tokens_in));
      metrics_.tokens_out->Add(std::max<int64_t>(0, reply->tokens_out));
    }
    return true;
  });
  if (!found) return;
  Log(flight, reply);
  for (const Waiter& waiter : flight.waiters) waiter.done(reply);
}

void DecisionDesk::Log(const Flight& flight, const StatusOr<AgentReply>& reply) {
  if (!reply.ok()) {
    return audit_->Write("failed", flight.request,
                         {{"error", AuditLog::Text(ToStd(reply.status().message()))}});
  }
  audit_->Write("answered", flight.request,
                {{"verdict", AuditLog::Text(reply->verdict)},
                 {"rules", absl::StrCat(reply->rules.size())},
                 {"agent", AuditLog::Text(reply->agent)},
                 {"tokens_in", absl::StrCat(reply->tokens_in)},
                 {"tokens_out", absl::StrCat(reply->tokens_out)}});
}

void DecisionDesk::Cancel(uint64_t ticket) {
  AgentRequest request;
  const bool found = state_.With([&](State* s) {
    const auto it = s->tickets.find(ticket);
    if (it == s->tickets.end()) return false;
    Flight& flight = s->flights.at(it->second);
    s->tickets.erase(it);
    const auto waiter = std::find_if(flight.waiters.begin(), flight.waiters.end(),
                                     [&](const Waiter& w) { return w.ticket == ticket; });
    flight.waiters.erase(waiter);
    request = flight.request;
    metrics_.cancelled->Add();
    return true;
  });
  if (found) audit_->Write("cancelled", request);
}

void DecisionDesk::Observe(const AgentRequest& about, const std::string& outcome) {
  state_.With([&](State*) { metrics_.outcomes->Add(); });
  audit_->Write("outcome", about, {{"outcome", AuditLog::Text(outcome)}});
}

void DecisionDesk::Close() {
  state_.With([](State* s) { s->closed = true; });
}

void DecisionDesk::Abandon() {
  Answers answers;
  state_.With([&](State* s) {
    for (auto& [key, flight] : s->flights) {
      for (Waiter& waiter : flight.waiters) {
        answers.push_back([done = std::move(waiter.done)] {
          done(Err(ErrorCode::kAgentUnavailable, "the agent is going away"));
        });
      }
    }
    s->flights.clear();
    s->tickets.clear();
  });
  for (const auto& answer : answers) answer();
}

size_t DecisionDesk::waiting() {
  return state_.With([](State* s) { return s->tickets.size(); });
}

void DecisionDesk::ScheduleTick() {
  env_.io->SubmitAfter(kTickMs, [weak = weak_from_this()] {
    if (const auto desk = weak.lock()) desk->Tick();
  });
}

void DecisionDesk::Tick() {
  Answers answers;
  state_.With([&](State* s) {
    const int64_t now = env_.clock->MonoNs();
    for (auto it = s->flights.begin(); it != s->flights.end();) {
      Flight& flight = it->second;
      for (auto waiter = flight.waiters.begin(); waiter != flight.waiters.end();) {
        if (waiter->deadline_ns > now) {
          ++waiter;
          continue;
        }
        metrics_.expired->Add();
        s->tickets.erase(waiter->ticket);
        answers.push_back([this, request = flight.request, done = std::move(waiter->done)] {
          audit_->Write("expired", request);
          done(Err(ErrorCode::kAgentTimeout, "the agent did not decide in time"));
        });
        waiter = flight.waiters.erase(waiter);
      }
      it = flight.expires_ns <= now ? s->flights.erase(it) : std::next(it);
    }
    metrics_.in_flight->Set(static_cast<int64_t>(s->flights.size()));
  });
  for (const auto& answer : answers) answer();
  ScheduleTick();
}

}  // namespace weir
