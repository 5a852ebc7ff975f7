// What an agent service counts (D19).
#pragma once

#include <array>

#include "absl/status/status.h"
#include "engine/base/guarded.h"
#include "engine/base/metrics.h"

namespace weir {

// Calls by method and by how they ended. Thread-safe: a call ends on any thread.
class CallMetrics {
 public:
  // kDecideStream: each request of a stream counts, and a stream that is refused.
  enum Method { kDecide, kDecideStream, kObserve };

  explicit CallMetrics(MetricRegistry* registry);
  void Ended(Method method, absl::StatusCode code);

 private:
  static constexpr int kMethods = 3;
  static constexpr int kCodes = 17;  // the canonical ones
  MetricRegistry* registry_;
  Guarded<std::array<std::array<Counter*, kCodes>, kMethods>> ended_;
};

// Those of the desk are written under its lock, those of streams under the service's.
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
  Counter* streams_opened;
  Gauge* streams;
  CallMetrics calls;
};

}  // namespace weir
