// Makes a rule of a proposal, or refuses it with a number (DESIGN D17, reliability 4.2). Whatever
// the agent was talked into ends here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protected_values.h"
#include "agent/rule.h"
#include "agent/rule_set.h"
#include "agent/signature.h"
#include "engine/core/agent_channel.h"

namespace weir {

// The event that a proposal is about.
struct Trigger {
  const RecordBatch* batch;
  size_t row;
  std::string_view signature;  // canonical bytes
  std::string request_id;
  std::string agent;
  int64_t now_ms = 0;  // wall clock
  // Highest version of a rule that the key's decisions recorded; may be empty.
  std::function<int64_t(const std::string& rule_id)> recorded_version;
};

class Validator {
 public:
  struct Config {
    SchemaPtr schema;
    std::vector<std::string> actions;
    int64_t default_ttl_ms = 0;
    int64_t max_ttl_ms = 0;
    int64_t max_per_minute = 0;  // of this subtask
    bool any_scope = false;      // rules need not pin the signature
  };

  Validator(Config config, Signature signature, ProtectedValues protected_values)
      : config_(std::move(config)),
        signature_(std::move(signature)),
        protected_(std::move(protected_values)) {}

  // kRuleInvalid or kRuleCap. The rule's version is left at 1.
  StatusOr<Rule> Validate(const RuleProposal& proposal, const Trigger& trigger, RuleSet* rules);

 private:
  Status CheckText(const RuleProposal& proposal) const;
  Status CheckPredicate(const std::string& predicate, const Trigger& trigger) const;
  Status CheckPinned(const ExprProgram& program, const Trigger& trigger) const;
  StatusOr<int64_t> Expiry(const RuleProposal& proposal, int64_t event_time_ms) const;
  Status TakeRateToken(int64_t now_ms);

  Config config_;
  Signature signature_;
  ProtectedValues protected_;
  int64_t minute_ = -1;  // the wall clock's minute that the count is about
  int64_t in_minute_ = 0;
};

}  // namespace weir
