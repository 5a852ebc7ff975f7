#include "agent/rule_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir {

namespace {

// One a rule, the newest. Sorts behind the rule's versions, so that it is swept after them.
std::string SwitchKey(const std::string& id) { return absl::StrCat(id, "/switch"); }

}  // namespace

Status RuleSet::Open(StateOpener* opener) {
  WEIR_RETURN_IF_ERROR(state_.Open(opener, "rules"));
  Status status;
  state_.ForEach([&](std::string_view key, const std::string& bytes) {
    StatusOr<Rule> rule = RuleFromBytes(bytes);
    if (rule.ok() && !rule->change) status = index_.Add(*rule);
    if (!rule.ok() || !status.ok()) {
      const Status& cause = rule.ok() ? status : rule.status();
      status = Err(ErrorCode::kStateIncompatible,
                   absl::StrCat("rule ", ToAbsl(key), ": ", FormatError(cause)),
                   "the input's schema or the signature has changed under a rule that stands");
      return false;
    }
    rule->change ? RememberSwitch(*rule) : Remember(*rule);
    return true;
  });
  return status;
}

void RuleSet::Remember(const Rule& rule) {
  const std::string key = RuleKey(rule);
  known_.insert(key);
  by_expiry_.insert({rule.expires_ms, key});
  Versions& versions = versions_[rule.id];
  versions.highest = std::max(versions.highest, rule.version);
  versions.expires_ms = std::max(versions.expires_ms, rule.expires_ms);
  if (versions.switched > 0) KeepSwitch(rule.id, &versions);
}

void RuleSet::RememberSwitch(const Rule& rule) {
  const bool off = rule.stage == RuleStage::kDisabled;
  Versions& versions = versions_[rule.id];
  versions.expires_ms = std::max(versions.expires_ms, rule.expires_ms);
  versions.switched = rule.version;
  if (off != versions.off) off ? ++off_ : --off_;
  versions.off = off;
  index_.Switch(rule.id, off);
  known_.insert(SwitchKey(rule.id));
  KeepSwitch(rule.id, &versions);
}

// A switch outlives the versions that it rules: the agent may propose the rule again while it is
// off.
void RuleSet::KeepSwitch(const std::string& id, Versions* versions) {
  const std::string key = SwitchKey(id);
  by_expiry_.erase({versions->switch_expires_ms, key});
  versions->switch_expires_ms = versions->expires_ms;
  by_expiry_.insert({versions->switch_expires_ms, key});
}

int64_t RuleSet::HighestVersion(const std::string& id) const {
  const auto it = versions_.find(id);
  return it == versions_.end() ? 0 : std::max(it->second.highest, it->second.switched);
}

Status RuleSet::CheckRoom(const Rule& rule) {
  if (index_.size() >= max_active_) {
    return Err(ErrorCode::kRuleCap, absl::StrCat("there are already ", max_active_, " rules"));
  }
  return index_.CheckRoom(rule);
}

RuleSet::Applied RuleSet::Apply(const Rule& rule) {
  if (rule.change) return ApplySwitch(rule);
  const auto it = versions_.find(rule.id);
  const int64_t highest = it == versions_.end() ? 0 : it->second.highest;
  // An older version than one that stands, or one that was swept: a late copy of the record.
  if (rule.version <= highest || rule.expires_ms < swept_to_) return Applied::kDuplicate;
  if (index_.size() >= 2 * max_active_ || !index_.Add(rule).ok()) return Applied::kRefused;
  state_.Mutable(RuleKey(rule)) = RuleToBytes(rule);
  Remember(rule);
  return Applied::kNew;
}

// Compared with switches only: an agent's proposal of the same moment may have taken the version
// that the switch was given, and must not undo it.
RuleSet::Applied RuleSet::ApplySwitch(const Rule& rule) {
  const auto it = versions_.find(rule.id);
  const bool older = it != versions_.end() && rule.version <= it->second.switched;
  if (older || rule.expires_ms < swept_to_) return Applied::kDuplicate;
  state_.Mutable(SwitchKey(rule.id)) = RuleToBytes(rule);
  RememberSwitch(rule);
  return Applied::kNew;
}

void RuleSet::OnWatermark(int64_t ms) {
  if (ms < INT64_MIN + kSweepGraceMs) return;
  swept_to_ = ms - kSweepGraceMs;
  while (!by_expiry_.empty() && by_expiry_.begin()->first < swept_to_) {
    const std::string key = by_expiry_.begin()->second;
    by_expiry_.erase(by_expiry_.begin());
    Forget(key);
  }
}

void RuleSet::Forget(const std::string& key) {
  known_.erase(key);
  index_.Remove(key);
  state_.Remove(key);
  const std::string prefix = key.substr(0, key.find('/') + 1);
  const auto next = known_.lower_bound(prefix);
  if (next != known_.end() && next->compare(0, prefix.size(), prefix) == 0) return;
  const std::string id = prefix.substr(0, prefix.size() - 1);
  if (versions_[id].off) --off_;
  versions_.erase(id);
  index_.Switch(id, false);
}

}  // namespace weir
