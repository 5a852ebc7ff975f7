#include "agent/rule_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir {

Status RuleSet::Open(StateOpener* opener) {
  WEIR_RETURN_IF_ERROR(state_.Open(opener, "rules"));
  Status status;
  state_.ForEach([&](std::string_view key, const std::string& bytes) {
    StatusOr<Rule> rule = RuleFromBytes(bytes);
    if (rule.ok()) status = index_.Add(*rule);
    if (!rule.ok() || !status.ok()) {
      const Status& cause = rule.ok() ? status : rule.status();
      status = Err(ErrorCode::kStateIncompatible,
                   absl::StrCat("rule ", ToAbsl(key), ": ", FormatError(cause)),
                   "the input's schema or the signature has changed under a rule that stands");
      return false;
    }
    Remember(*rule);
    return true;
  });
  return status;
}

void RuleSet::Remember(const Rule& rule) {
  const std::string key = RuleKey(rule);
  known_.insert(key);
  by_expiry_.insert({rule.expires_ms, key});
  int64_t& highest = highest_[rule.id];
  highest = std::max(highest, rule.version);
}

int64_t RuleSet::HighestVersion(const std::string& id) const {
  const auto it = highest_.find(id);
  return it == highest_.end() ? 0 : it->second;
}

Status RuleSet::CheckRoom(const Rule& rule) {
  if (index_.size() >= max_active_) {
    return Err(ErrorCode::kRuleCap, absl::StrCat("there are already ", max_active_, " rules"));
  }
  return index_.CheckRoom(rule);
}

RuleSet::Applied RuleSet::Apply(const Rule& rule) {
  // An older version than one that stands is a late copy of what was applied and removed since.
  if (rule.version <= HighestVersion(rule.id)) return Applied::kDuplicate;
  Sweep(rule.origin.event_time_ms);
  if (index_.size() >= max_active_ || !index_.Add(rule).ok()) return Applied::kRefused;
  state_.Mutable(RuleKey(rule)) = RuleToBytes(rule);
  Remember(rule);
  return Applied::kNew;
}

void RuleSet::Sweep(int64_t event_time_ms) {
  if (event_time_ms < INT64_MIN + kSweepGraceMs) return;
  const int64_t before = event_time_ms - kSweepGraceMs;
  while (!by_expiry_.empty() && by_expiry_.begin()->first < before) {
    const std::string key = by_expiry_.begin()->second;
    by_expiry_.erase(by_expiry_.begin());
    known_.erase(key);
    index_.Remove(key);
    state_.Remove(key);
    const std::string id = key.substr(0, key.find('/'));
    // The highest version of an id expires last or stands; a set without the id starts anew.
    if (known_.lower_bound(id + "/") == known_.end() ||
        known_.lower_bound(id + "/")->compare(0, id.size() + 1, id + "/") != 0) {
      highest_.erase(id);
    }
  }
}

}  // namespace weir
