// The agent loop's counters (D19).
#pragma once

#include "engine/base/metrics.h"

namespace weir {

struct AgentLoopMetrics {
  AgentLoopMetrics(MetricRegistry* registry, const MetricLabels& labels);

  Counter *events, *passed, *blocked, *escalated;
  Counter* calls;  // requests sent, retries included
  // Calls that were not needed, by reason.
  Counter *avoided_rule, *avoided_flight, *avoided_decision_log, *avoided_record, *avoided_capacity;
  Counter *decisions, *failsafe, *rule_proposed, *rule_refused, *rules_applied, *rules_malformed;
  Counter *late_replies, *bad_replies, *retries, *evaluation_errors, *protected_rows;
  Counter* disabled;         // passed because the rule that covers them is switched off
  Counter* waiters_refused;  // beyond the bound, answered by the fail-safe
  Gauge *waiting, *in_flight, *rules_active, *pending, *known_decisions;
  Gauge* rules_disabled;
  Gauge* rule_log_position;  // everything before this offset of the rule log is applied
  Histogram* rule_lag_ms;    // from the decision to its rule's application here
  Histogram* decision_ms;    // from the question to the decision
};

}  // namespace weir
