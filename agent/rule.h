// A rule: the durable part of an agent's verdict, applied by every subtask (DESIGN D14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

// kDisabled: what the rule covers passes, unanswered and without a question to the agent.
enum class RuleStage : uint8_t { kShadow = 1, kCanary = 2, kFull = 3, kDisabled = 4 };

// Who switched a rule off or on again, and why.
struct RuleChange {
  std::string by;
  std::string reason;
  int64_t at_ms = 0;  // wall clock
};

// The event that caused a rule. The rule is valid for what comes after it.
struct RuleOrigin {
  Origin origin;
  int64_t event_time_ms = kNoTimestamp;
};

struct Rule {
  std::string id;
  int64_t version = 1;
  std::string predicate;  // CEL; empty = the exact signature
  std::string signature;  // canonical bytes, set if the rule is about one signature
  std::string signature_text;
  std::string action;
  std::string scope;  // "signature" or "any"
  RuleOrigin origin;
  int64_t expires_ms = 0;  // event time; not matched after it
  std::string request_id;
  std::string agent;
  RuleStage stage = RuleStage::kFull;
  int64_t created_ms = 0;  // wall clock
  std::string reason;
  // Set: a switch, not a rule of its own. Every version of the id has this record's stage from
  // then on, those to come as well.
  std::optional<RuleChange> change;

  bool operator==(const Rule&) const;
};

// First 16 hex digits of SHA-256 over condition, action and scope: the same rule has the same id
// wherever and whenever it is proposed.
std::string MakeRuleId(const Rule& rule);
// "<id>/<version>", the version padded so that keys sort by it.
std::string RuleKey(std::string_view id, int64_t version);
inline std::string RuleKey(const Rule& rule) { return RuleKey(rule.id, rule.version); }

// True if `rule` may answer row i, by origin and expiry alone: on the origin's own split what
// stands behind it, elsewhere what is not earlier in event time.
bool IsValidFor(const Rule& rule, const RecordBatch& batch, size_t row);

// One line of the rule log, no newline; and back. kRuleInvalid for a line that is no rule.
std::string RuleToLine(const Rule& rule);
StatusOr<Rule> RuleFromLine(std::string_view line);
// Binary, for state.
std::string RuleToBytes(const Rule& rule);
StatusOr<Rule> RuleFromBytes(std::string_view bytes);

}  // namespace weir
