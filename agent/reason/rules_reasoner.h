// Decides by a rule file: no model, no server, the same answer every time.
#pragma once

#include <memory>
#include <string>

#include "agent/reason/rule_file.h"
#include "agent/reason/shared_metrics.h"
#include "engine/base/env.h"
#include "engine/base/guarded.h"
#include "engine/core/agent_channel.h"

namespace weir {

class RulesReasoner : public AgentChannel {
 public:
  RulesReasoner(const Env& env, RuleFile file, MetricRegistry* metrics);

  // Answers on the I/O executor. The first rule that holds decides. kAgentNoRule if none does, or
  // if one before it fails on this request (a field that is not there): what a broken rule would
  // have said is not guessed, and the engine's fail-safe verdict applies.
  void Decide(const AgentRequest& request, std::function<void(StatusOr<AgentReply>)> done) override;
  StatusOr<AgentReply> Judge(const AgentRequest& request);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
  Executor* io_;
};

}  // namespace weir
