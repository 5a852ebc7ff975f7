// What the service does with a request before and after the reasoner, whatever transport brought
// it: bounds, one flight per request id, deadlines, cancels, counting, the audit log.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/service/audit_log.h"
#include "agent/service/service_metrics.h"
#include "engine/base/env.h"
#include "engine/base/guarded.h"
#include "engine/core/agent_channel.h"

namespace weir {

struct DeskConfig {
  size_t max_in_flight = 1000;  // questions that the reasoner works on
  size_t max_waiters = 16;      // copies of one question that wait for its answer
  size_t max_context_bytes = 64 * 1024;
  int64_t max_timeout_ms = 600'000;  // a longer one is cut to it
};

// Thread-safe. The reasoner may be slow, silent or wrong; each waiter is answered by its deadline.
class DecisionDesk : public std::enable_shared_from_this<DecisionDesk> {
 public:
  // The reply is shared by all copies of a question.
  using Done = std::function<void(const StatusOr<AgentReply>&)>;

  DecisionDesk(const DeskConfig& config, const Env& env, std::shared_ptr<AgentChannel> reasoner,
               std::unique_ptr<AuditLog> audit, MetricRegistry* metrics);
  // Begins to watch deadlines.
  void Start();

  // `done` is called exactly once, on any thread, perhaps before returning, unless the ticket is
  // cancelled first. Refusals: absl::InvalidArgumentError (malformed), kAgentCapacity, and
  // kAgentUnavailable once the desk is closed.
  uint64_t Ask(const AgentRequest& request, int64_t timeout_ms, Done done);
  // Nobody waits any more. The reasoner's answer, if one comes, still reaches the memo.
  void Cancel(uint64_t ticket);
  void Observe(const AgentRequest& about, const std::string& outcome);

  // Takes nothing new; what is under way goes on.
  void Close();
  // Answers all who still wait with kAgentUnavailable. After Close.
  void Abandon();
  size_t waiting();
  // Everything that was ever asked of the reasoner.
  ServiceMetrics* metrics() { return &metrics_; }

 private:
  struct Waiter {
    uint64_t ticket = 0;
    int64_t deadline_ns = 0;
    Done done;
  };
  struct Flight {
    AgentRequest request;
    int64_t asked_ns = 0;
    int64_t expires_ns = 0;  // then a reasoner that is silent has lost its place
    std::vector<Waiter> waiters;
  };
  struct State {
    bool closed = false;
    uint64_t next_ticket = 1;
    std::map<std::string, Flight> flights;    // by job, operator and request id
    std::map<uint64_t, std::string> tickets;  // key of the flight
  };
  using Answers = std::vector<std::function<void()>>;

  Status Check(const AgentRequest& request, int64_t timeout_ms) const;
  Status Admit(State* s, const std::string& key);
  void Refuse(const AgentRequest& request, const Status& status, const Done& done);
  void OnReply(const std::string& key, const StatusOr<AgentReply>& reply);
  void Log(const Flight& flight, const StatusOr<AgentReply>& reply);
  void ScheduleTick();
  void Tick();

  const DeskConfig config_;
  const Env env_;
  const std::shared_ptr<AgentChannel> reasoner_;
  const std::unique_ptr<AuditLog> audit_;
  ServiceMetrics metrics_;  // written under the lock
  Guarded<State> state_;
};

}  // namespace weir
