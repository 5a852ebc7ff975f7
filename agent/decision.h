// What was decided for one request. Once durable it never changes (DESIGN promise 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/rule.h"
#include "engine/base/status.h"

namespace weir {

struct Decision {
  enum class Source : uint8_t { kAgent = 1, kFailSafe = 2 };

  std::string request_id;
  int64_t seq = 0;  // per key
  std::string key;  // canonical bytes
  std::string verdict;
  std::string reason;
  Source source = Source::kAgent;
  std::optional<Rule> rule;  // the accepted one
  std::string action;        // "" = nothing is to be done
  std::string agent;
  int attempt = 0;
  int64_t event_time_ms = 0;
  int64_t asked_ms = 0;
  int64_t decided_ms = 0;
};

// One line of the decision log, no newline; and back. kAgentBadReply for a line that is none.
std::string DecisionToLine(const Decision& decision);
StatusOr<Decision> DecisionFromLine(std::string_view line);
// Binary, for state.
std::string DecisionToBytes(const Decision& decision);
StatusOr<Decision> DecisionFromBytes(std::string_view bytes);

}  // namespace weir
