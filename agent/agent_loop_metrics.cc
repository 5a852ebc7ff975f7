#include "agent/agent_loop_metrics.h"

namespace weir {

AgentLoopMetrics::AgentLoopMetrics(MetricRegistry* registry, const MetricLabels& labels) {
  const auto counter = [&](const char* name) { return registry->GetCounter(name, labels); };
  const auto gauge = [&](const char* name) { return registry->GetGauge(name, labels); };
  const auto avoided = [&](const char* reason) {
    MetricLabels more = labels;
    more.emplace_back("reason", reason);
    return registry->GetCounter("weir_agent_calls_avoided_total", more);
  };
  events = counter("weir_agent_events_total");
  passed = counter("weir_agent_passed_total");
  blocked = counter("weir_agent_blocked_total");
  escalated = counter("weir_agent_escalated_total");
  calls = counter("weir_agent_calls_total");
  avoided_rule = avoided("rule");
  avoided_flight = avoided("flight");
  avoided_decision_log = avoided("decision_log");
  avoided_record = avoided("record");
  avoided_capacity = avoided("capacity");
  decisions = counter("weir_agent_decisions_total");
  failsafe = counter("weir_agent_failsafe_total");
  rule_proposed = counter("weir_agent_rule_proposed_total");
  rule_refused = counter("weir_agent_rule_refused_total");
  rules_applied = counter("weir_agent_rules_applied_total");
  rules_malformed = counter("weir_agent_rules_malformed_total");
  late_replies = counter("weir_agent_late_replies_total");
  bad_replies = counter("weir_agent_bad_replies_total");
  retries = counter("weir_agent_retries_total");
  evaluation_errors = counter("weir_agent_evaluation_errors_total");
  protected_rows = counter("weir_agent_protected_total");
  disabled = counter("weir_agent_rule_disabled_passed_total");
  waiters_refused = counter("weir_agent_waiters_refused_total");
  waiting = gauge("weir_agent_waiting");
  in_flight = gauge("weir_agent_in_flight");
  rules_active = gauge("weir_agent_rules_active");
  rules_disabled = gauge("weir_agent_rules_disabled");
  rule_log_position = gauge("weir_agent_rule_log_position");
  pending = gauge("weir_agent_pending");
  known_decisions = gauge("weir_agent_known_decisions");
  rule_lag_ms = registry->GetHistogram("weir_rule_effective_lag_ms", labels);
  decision_ms = registry->GetHistogram("weir_agent_decision_ms", labels);
}

}  // namespace weir
