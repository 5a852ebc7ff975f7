// The rules that a subtask has applied: broadcast state plus its index. A function of the rule log
// and of event time alone, so that every subtask and every restore arrives at the same set.
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

  // Applies a record of the rule log; twice is once. At twice the cap, which several subtasks that
  // all keep to it can only reach together, the new one is refused and the old ones stay. A switch
  // is never refused.
  Applied Apply(const Rule& rule);
  // Removes rules that expired more than an hour before the watermark. Not by the rule log's own
  // time: after a crash the log is far ahead of the input that still needs them.
  void OnWatermark(int64_t ms);
  bool Has(const std::string& rule_key) const { return known_.count(rule_key) != 0; }
  // Of rules and switches; 0 if there was none.
  int64_t HighestVersion(const std::string& id) const;
  // kRuleCap or kRuleInvalid if the rule could not be applied now.
  Status CheckRoom(const Rule& rule);

  RuleIndex* index() { return &index_; }
  size_t active() const { return index_.size(); }
  size_t switched_off() const { return off_; }

  static constexpr int64_t kSweepGraceMs = 3'600'000;

 private:
  // What is known of an id.
  struct Versions {
    int64_t highest = 0;  // of rules that stand
    int64_t expires_ms = INT64_MIN;
    int64_t switched = 0;  // version of the switch that stands; 0 = none does
    bool off = false;
    int64_t switch_expires_ms = INT64_MIN;  // when it is swept: after the last version it rules
  };
  Applied ApplySwitch(const Rule& rule);
  void Remember(const Rule& rule);
  void RememberSwitch(const Rule& rule);
  void KeepSwitch(const std::string& id, Versions* versions);
  void Forget(const std::string& key);

  BroadcastState<std::string> state_;  // rule key, or switch key -> bytes
  RuleIndex index_;
  size_t max_active_;
  int64_t swept_to_ = INT64_MIN;  // event time
  std::set<std::string> known_;
  std::set<std::pair<int64_t, std::string>> by_expiry_;
  std::unordered_map<std::string, Versions> versions_;  // by id
  size_t off_ = 0;
};

}  // namespace weir
