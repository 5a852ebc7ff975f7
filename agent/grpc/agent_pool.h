// An AgentChannel over several pipes to several endpoints: spreads requests, keeps them bounded,
// replaces old and broken pipes, fails fast behind circuit breakers. docs/agent.md, "The client".
//
// It never asks twice by itself. The agent loop owns retries (agent/attempts.h): a request that may
// have reached an agent and got no answer goes back to the loop as kAgentUnavailable, which is
// retriable; one that was not yet handed to a pipe simply waits for one, until its deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/grpc/agent_pipe.h"
#include "agent/grpc/circuit_breaker.h"
#include "engine/base/env.h"
#include "engine/base/metrics.h"
#include "engine/core/agent_channel.h"

namespace weir {

struct AgentPoolConfig {
  std::string job;
  std::vector<std::string> endpoints;  // names, for logs and metrics
  size_t streams = 2;                  // pipes per endpoint
  size_t in_flight = 1000;             // requests handed to an endpoint and not yet answered
  int64_t stream_age_ns = 300'000'000'000;
  int64_t connect_timeout_ns = 5'000'000'000;
  CircuitBreaker::Config breaker;
};

class PoolCore;

// Errors that `done` may get: kAgentTimeout (the deadline passed), kAgentUnavailable (the pipe
// broke), the same with NoFurtherAttempt (no circuit breaker lets it pass), kAgentCapacity
// (in_flight × endpoints are under way), and what the agent replied.
//
// Decide is called again with a request id that is still under way when the loop's attempt has
// timed out. The new attempt prefers a pipe that does not hold the id; the first reply serves, the
// other pipe is told to cancel, and only one `done` of that id is called.
class AgentPool : public AgentChannel {
 public:
  AgentPool(AgentPoolConfig config, const Env& env, MetricRegistry* metrics,
            std::unique_ptr<PipeFactory> factory);
  // Answers what is under way with kAgentUnavailable, waits until all pipes are closed.
  ~AgentPool() override;

  void Decide(const AgentRequest& request, std::function<void(StatusOr<AgentReply>)> done) override;

 private:
  std::shared_ptr<PoolCore> core_;
};

}  // namespace weir
