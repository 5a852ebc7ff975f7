#include "agent/grpc/endpoint_metrics.h"

namespace weir {

EndpointMetrics::EndpointMetrics(MetricRegistry* registry, const std::string& job,
                                 const std::string& endpoint) {
  const MetricLabels labels = {{"job", job}, {"endpoint", endpoint}};
  const auto with = [&](const char* name, const char* value) {
    MetricLabels more = labels;
    more.emplace_back(name, value);
    return more;
  };
  const auto counter = [&](const char* name) { return registry->GetCounter(name, labels); };
  const auto error = [&](const char* reason) {
    return registry->GetCounter("weir_agent_endpoint_errors_total", with("reason", reason));
  };
  const auto tokens = [&](const char* direction) {
    return registry->GetCounter("weir_agent_endpoint_tokens_total", with("direction", direction));
  };
  calls = counter("weir_agent_endpoint_calls_total");
  replies = counter("weir_agent_endpoint_replies_total");
  error_reply = error("reply");
  error_timeout = error("timeout");
  error_closed = error("closed");
  error_breaker = error("breaker");
  error_capacity = error("capacity");
  unknown_replies = counter("weir_agent_endpoint_unknown_replies_total");
  tokens_in = tokens("in");
  tokens_out = tokens("out");
  streams_opened = counter("weir_agent_endpoint_streams_opened_total");
  breaker_opened = counter("weir_agent_endpoint_breaker_opened_total");
  in_flight = registry->GetGauge("weir_agent_endpoint_in_flight", labels);
  streams = registry->GetGauge("weir_agent_endpoint_streams", labels);
  breaker_state = registry->GetGauge("weir_agent_endpoint_breaker_state", labels);
  latency_us = registry->GetHistogram("weir_agent_endpoint_latency_seconds", labels);
}

}  // namespace weir
