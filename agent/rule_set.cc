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
  // An older version than one that stands, or one that was swept: a late copy of the record.
  if (rule.version <= HighestVersion(rule.id) || rule.expires_ms < swept_to_) {
    return Applied::kDuplicate;
  }
  if (index_.size() >= 2 * max_active_ || !index_.Add(rule).ok()) return Applied::kRefused;
  state_.Mutable(RuleKey(rule)) = RuleToBytes(rule);
  Remember(rule);
  return Applied::kNew;
}

void RuleSet::OnWatermark(int64_t ms) {
  if (ms < INT64_MIN + kSweepGraceMs) return;
  swept_to_ = ms - kSweepGraceMs;
  while (!by_expiry_.empty() && by_expiry_.begin()->first < swept_to_) {
    const std::string key = by_expiry_.begin()->second;
    by_expiry_.erase(by_expiry_.begin());
    known_.erase(key);
    index_.Remove(key);
    state_.Remove(key);
    const std::string prefix = key.substr(0, key.find('/') + 1);
    const auto next = known_.lower_bound(prefix);
    const bool last = next == known_.end() || next->compare(0, prefix.size(), prefix) != 0;
    if (last) highest_.erase(prefix.substr(0, prefix.size() - 1));
  }
}

}  // namespace weir
