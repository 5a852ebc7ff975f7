#include "agent/service/service_metrics.h"

namespace weir {

ServiceMetrics::ServiceMetrics(MetricRegistry* registry) {
  const auto counter = [&](const char* name) { return registry->GetCounter(name, {}); };
  const auto tokens = [&](const char* direction) {
    return registry->GetCounter("weir_agent_service_tokens_total", {{"direction", direction}});
  };
  requests = counter("weir_agent_service_requests_total");
  asked = counter("weir_agent_service_asked_total");
  joined = counter("weir_agent_service_joined_total");
  answered = counter("weir_agent_service_answered_total");
  failed = counter("weir_agent_service_failed_total");
  expired = counter("weir_agent_service_expired_total");
  cancelled = counter("weir_agent_service_cancelled_total");
  refused = counter("weir_agent_service_refused_total");
  outcomes = counter("weir_agent_service_outcomes_total");
  tokens_in = tokens("in");
  tokens_out = tokens("out");
  in_flight = registry->GetGauge("weir_agent_service_in_flight", {});
  latency_us = registry->GetHistogram("weir_agent_service_latency_seconds", {});
}

}  // namespace weir
