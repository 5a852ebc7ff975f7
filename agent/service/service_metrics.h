// What an agent service counts (D19). Written under the desk's lock only.
#pragma once

#include "engine/base/metrics.h"

namespace weir {

struct ServiceMetrics {
  explicit ServiceMetrics(MetricRegistry* registry);

  Counter* requests;  // that came in, refused ones included
  Counter* asked;     // of the reasoner
  Counter* joined;    // copies of a question under way
  Counter* answered;
  Counter *failed, *expired, *cancelled, *refused;
  Counter* outcomes;
  Counter *tokens_in, *tokens_out;
  Gauge* in_flight;
  Histogram* latency_us;  // of the reasoner
};

}  // namespace weir
