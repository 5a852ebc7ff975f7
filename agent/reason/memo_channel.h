// The memo in front of a reasoner: a question that was answered is not paid for again, and a
// question that is being answered is not asked twice.
#pragma once

#include <memory>
#include <string>

#include "agent/reason/shared_metrics.h"
#include "agent/reason/versions.h"
#include "engine/base/env.h"
#include "engine/core/agent_channel.h"
#include "engine/core/memo.h"

namespace weir {

struct MemoChannelOptions {
  std::string name_space;
  ReasonerVersions versions;
  int64_t ttl_ms = 0;
  int64_t timeout_ms = 50;       // what a decision waits for the memo at most
  size_t max_flights = 10'000;   // questions under way
  size_t max_waiters = 100'000;  // callers that wait for them
  // A question without an answer after this time is asked again by who comes next.
  int64_t max_flight_ms = 120'000;
};

// Counts `weir_memo_lookups_total{result=hit|miss|late|corrupt}` and
// `weir_memo_joined_total`. Only whole replies are kept, never errors. Thread-safe.
class MemoChannel : public AgentChannel {
 public:
  MemoChannel(const Env& env, std::shared_ptr<AgentChannel> reasoner, std::shared_ptr<Memo> memo,
              const MemoChannelOptions& options, MetricRegistry* metrics);
  // Drops reasoner and memo, though questions may be under way; who waits is answered.
  ~MemoChannel() override;
  // Errors of its own: kAgentCapacity beyond the bounds.
  void Decide(const AgentRequest& request, std::function<void(StatusOr<AgentReply>)> done) override;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace weir
