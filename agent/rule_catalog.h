// What the rule log says, for people who look at rules or switch them: read through the Log
// contract, beside the job's tasks and without a word to them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/rule.h"
#include "engine/core/log_client.h"

namespace weir {

struct RuleEntry {
  Rule rule;                   // the newest version
  std::optional<Rule> change;  // the newest switch
  int versions = 0;            // of the rule, switches apart
  int64_t offset = 0;          // of the record that counts now: the switch's, or the version's
  bool off() const { return change && change->stage == RuleStage::kDisabled; }
};

// Blocking; one thread at a time. `client` outlives it.
class RuleCatalog {
 public:
  RuleCatalog(LogClient* client, std::string topic) : client_(client), topic_(std::move(topic)) {}

  // Reads what was appended since the last call. Lines that are no rules are passed over, as the
  // job does. 3xxx errors of the log.
  Status Refresh();
  // Forgets what expired before this event time.
  void Sweep(int64_t event_time_ms);
  const std::map<std::string, RuleEntry>& rules() const { return rules_; }  // by id
  const std::string& topic() const { return topic_; }

 private:
  void Apply(Rule rule, int64_t offset);

  LogClient* client_;
  std::string topic_;
  std::unique_ptr<LogReader> reader_;
  LogPosition next_;
  std::map<std::string, RuleEntry> rules_;
};

// The record that switches a rule off or on again. Its version is above all that the entry knows.
Rule MakeSwitch(const RuleEntry& entry, bool off, RuleChange change);

}  // namespace weir
