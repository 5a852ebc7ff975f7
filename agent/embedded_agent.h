// The agent that needs no server: it decides by the novelty test's own statistics. Stands behind
// the same interface as the gRPC client, sees no more than it and answers as late.
#pragma once

#include <memory>
#include <string>

#include "engine/core/agent_channel.h"

namespace weir {

class EmbeddedAgent : public AgentChannel {
 public:
  explicit EmbeddedAgent(Executor* io) : io_(io) {}
  // Answers on the I/O executor, never before returning.
  void Decide(const AgentRequest& request, std::function<void(StatusOr<AgentReply>)> done) override;

  // Quarantine with a rule for the signature if any statistic speaks for it: a number above zero or
  // a flag that is set. Else release. kAgentBadReply for a context that cannot be read.
  static StatusOr<AgentReply> Judge(const AgentRequest& request);

 private:
  Executor* io_;
};

AgentChannelType MakeEmbeddedAgentType();

}  // namespace weir
