// A model's text -> a reply, checked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/core/agent_channel.h"
#include "engine/model/value.h"

namespace weir {

// Fills verdict, reason, confidence and rules of *reply from `text`, a JSON object (perhaps in a
// code fence) that fits `schema`. Returns what is wrong; then *reply is unchanged.
std::vector<std::string> ReadVerdict(const Value& schema, std::string_view text, AgentReply* reply);

}  // namespace weir
