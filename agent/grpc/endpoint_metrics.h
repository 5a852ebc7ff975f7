// What is counted for each agent endpoint (D19). Written under the pool's lock only.
#pragma once

#include <string>

#include "engine/base/metrics.h"

namespace weir {

struct EndpointMetrics {
  EndpointMetrics(MetricRegistry* registry, const std::string& job, const std::string& endpoint);

  Counter* calls;    // requests handed to a stream
  Counter* replies;  // decisions that came back
  // Requests that came back without a decision, by what went wrong. `closed` counts requests of a
  // stream that broke, `breaker` those that an open breaker refused.
  Counter *error_reply, *error_timeout, *error_closed, *error_breaker, *error_capacity;
  Counter* unknown_replies;  // to nothing that was asked, or that nobody waits for any more
  Counter *tokens_in, *tokens_out;
  Counter* streams_opened;
  Counter* breaker_opened;
  Gauge* in_flight;
  Gauge* streams;        // that are ready
  Gauge* breaker_state;  // 0 closed, 1 half-open, 2 open
  Histogram* latency_us;
};

}  // namespace weir
