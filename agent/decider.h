// Turns an agent's reply into a decision: what is malformed is no reply, what is over-broad is no
// rule.
#pragma once

#include <string>

#include "agent/decision.h"
#include "agent/validator.h"
#include "engine/core/agent_channel.h"

namespace weir {

class Decider {
 public:
  Decider(Validator validator, RuleSet* rules) : validator_(std::move(validator)), rules_(rules) {}

  // Fills verdict, reason, agent, rule and action of `decision`. kAgentBadReply, and nothing is
  // filled, if the reply is malformed. At most one rule is accepted; what became of the others
  // stands in the reason. `refused` counts them.
  Status Apply(const AgentReply& reply, Trigger trigger, Decision* decision, int64_t* refused);

 private:
  Validator validator_;
  RuleSet* rules_;
};

}  // namespace weir
