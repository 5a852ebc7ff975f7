// Rule <-> its protobuf message, whose generated header stays in .cc files: it is heavy.
#pragma once

#include "agent/rule.h"

namespace weir::agent::v1 {
class Rule;
}

namespace weir {

void RuleToProto(const Rule& rule, agent::v1::Rule* out);
// kRuleInvalid for a message that is no rule.
StatusOr<Rule> RuleFromProto(const agent::v1::Rule& in);

}  // namespace weir
