// Rules and decisions <-> their protobuf messages, whose generated headers stay in .cc files: they
// are heavy.
#pragma once

#include "agent/decision.h"
#include "agent/rule.h"

namespace weir::agent::v1 {
class Decision;
class Rule;
}  // namespace weir::agent::v1

namespace weir {

void DecisionToProto(const Decision& decision, agent::v1::Decision* out);
void RuleToProto(const Rule& rule, agent::v1::Rule* out);
// kRuleInvalid for a message that is no rule.
StatusOr<Rule> RuleFromProto(const agent::v1::Rule& in);

}  // namespace weir
