// The rules that a subtask has applied: broadcast state plus its index. Changed only by the rule
// log, so that every subtask and every restore arrives at the same set.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/rule.h"
#include "agent/rule_index.h"
#include "engine/core/state.h"

namespace weir {

class RuleSet {
 public:
  enum class Applied : uint8_t { kNew, kDuplicate, kRefused };

  RuleSet(SchemaPtr schema, Signature signature, size_t max_active)
      : index_(std::move(schema), std::move(signature)), max_active_(max_active) {}

  // Loads what was restored.
  Status Open(StateOpener* opener);

  // Applies a record of the rule log; twice is once. At the cap the new one is refused and the old
  // ones stay. Removes rules that expired more than an hour before the new rule's event: the log's
  // own time decides, not a clock, so that all subtasks agree.
  Applied Apply(const Rule& rule);
  bool Has(const std::string& rule_key) const { return known_.count(rule_key) != 0; }
  // 0 if there was none.
  int64_t HighestVersion(const std::string& id) const;
  // kRuleCap or kRuleInvalid if the rule could not be applied now.
  Status CheckRoom(const Rule& rule);

  RuleIndex* index() { return &index_; }
  size_t active() const { return index_.size(); }

  static constexpr int64_t kSweepGraceMs = 3'600'000;

 private:
  void Remember(const Rule& rule);
  void Sweep(int64_t event_time_ms);

  BroadcastState<std::string> state_;  // rule key -> bytes
  RuleIndex index_;
  size_t max_active_;
  std::set<std::string> known_;
  std::set<std::pair<int64_t, std::string>> by_expiry_;
  std::unordered_map<std::string, int64_t> highest_;  // of rules that stand
};

}  // namespace weir
