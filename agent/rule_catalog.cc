#include "agent/rule_catalog.h"

#include <algorithm>
#include <utility>

namespace weir {

Status RuleCatalog::Refresh() {
  if (reader_ == nullptr) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, client_->Partitions(topic_));
    // No rule has ever been made.
    if (std::find(partitions.begin(), partitions.end(), 0) == partitions.end()) {
      return absl::OkStatus();
    }
    WEIR_ASSIGN_OR_RETURN(reader_, client_->OpenReader(topic_, 0, next_));
  }
  LogChunk chunk;
  do {
    Status status = reader_->Read(LogReadOptions(), &chunk);
    if (!status.ok()) {
      reader_.reset();  // the next call tries anew, from where this one stopped
      return status;
    }
    for (const LogItem& item : chunk.items) {
      if (StatusOr<Rule> rule = RuleFromLine(item.value); rule.ok()) {
        Apply(*std::move(rule), item.offset);
      }
    }
    next_ = chunk.next;
  } while (!chunk.at_end);
  return absl::OkStatus();
}

void RuleCatalog::Apply(Rule rule, int64_t offset) {
  const auto [it, added] = rules_.try_emplace(rule.id);
  RuleEntry& entry = it->second;
  if (rule.change) {
    if (entry.change && rule.version <= entry.change->version) return;
    // A switch whose rule has been swept here still says what the rule is.
    if (added) entry.rule = rule;
    entry.change = std::move(rule);
    entry.offset = offset;
    return;
  }
  if (entry.versions > 0 && rule.version <= entry.rule.version) return;
  entry.rule = std::move(rule);
  ++entry.versions;
  if (!entry.change) entry.offset = offset;
}

void RuleCatalog::Sweep(int64_t event_time_ms) {
  std::erase_if(rules_, [event_time_ms](const auto& entry) {
    return entry.second.rule.expires_ms < event_time_ms;
  });
}

Rule MakeSwitch(const RuleEntry& entry, bool off, RuleChange change) {
  Rule rule = entry.rule;
  rule.version = std::max(rule.version, entry.change ? entry.change->version : 0) + 1;
  if (off) {
    rule.stage = RuleStage::kDisabled;
  } else if (rule.stage == RuleStage::kDisabled) {
    rule.stage = RuleStage::kFull;  // known from a switch alone
  }
  rule.created_ms = change.at_ms;  // the lag is measured from it
  rule.change = std::move(change);
  return rule;
}

}  // namespace weir
