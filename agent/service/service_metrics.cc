#include "agent/service/service_metrics.h"

#include <string>

#include "absl/strings/ascii.h"

namespace weir {
namespace {

constexpr const char* kMethodNames[] = {"Decide", "DecideStream", "Observe"};

Counter* EndedCounter(MetricRegistry* registry, int method, absl::StatusCode code) {
  return registry->GetCounter("weir_agent_service_calls_total",
                              {{"method", kMethodNames[method]},
                               {"outcome", absl::AsciiStrToLower(absl::StatusCodeToString(code))}});
}

}  // namespace

// A series that begins with its first event hides that event from rate(): "ok" is there at once.
CallMetrics::CallMetrics(MetricRegistry* registry) : registry_(registry) {
  ended_.With([&](auto* ended) {
    for (int m = 0; m < kMethods; ++m) {
      (*ended)[m].fill(nullptr);
      (*ended)[m][0] = EndedCounter(registry_, m, absl::StatusCode::kOk);
    }
  });
}

void CallMetrics::Ended(Method method, absl::StatusCode code) {
  int number = static_cast<int>(code);
  if (number < 0 || number >= kCodes) number = static_cast<int>(absl::StatusCode::kUnknown);
  ended_.With([&](auto* ended) {
    Counter*& counter = (*ended)[method][number];
    if (counter == nullptr) {
      counter = EndedCounter(registry_, method, static_cast<absl::StatusCode>(number));
    }
    counter->Add();
  });
}

ServiceMetrics::ServiceMetrics(MetricRegistry* registry) : calls(registry) {
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
  streams_opened = counter("weir_agent_service_streams_opened_total");
  streams = registry->GetGauge("weir_agent_service_streams", {});
  latency_us = registry->GetHistogram("weir_agent_service_latency_seconds", {});
}

}  // namespace weir
