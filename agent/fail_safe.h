// What is decided when the agent is late, broken or at capacity. Never a release: an event that
// waits is answered, whatever becomes of the agent.
#pragma once

#include <string>
#include <string_view>

#include "agent/decision.h"
#include "engine/base/status.h"

namespace weir {

inline constexpr std::string_view kFailSafeRuleId = "failsafe";
inline constexpr std::string_view kReleaseVerdict = "release";

class FailSafe {
 public:
  // kConfigBadValue for a verdict that releases or is no identifier. `action` "none" = no action.
  static StatusOr<FailSafe> Create(std::string verdict, std::string action);
  // Fills verdict, action, source and reason.
  void Apply(const Status& cause, Decision* decision) const;
  const std::string& verdict() const { return verdict_; }

 private:
  std::string verdict_, action_;
};

// Lower-case letters, digits, '_' and '-', at most 64 bytes: what a verdict or an action may be.
bool IsIdentifier(std::string_view text);

}  // namespace weir
