// The registry in Prometheus' text format 0.0.4: base units, HELP and TYPE from the catalogue.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/guarded.h"
#include "engine/base/metrics.h"

namespace weir {

inline constexpr char kPrometheusContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Thread-safe; the job's threads are not held up. Metrics that are not in the catalogue (a user's
// operator) are shown with their integers as they are.
class PrometheusExporter {
 public:
  // Both outlive this.
  PrometheusExporter(const MetricRegistry* metrics, const Clock* clock)
      : metrics_(metrics), clock_(clock) {}

  std::string Text();

 private:
  const MetricRegistry* metrics_;
  const Clock* clock_;
  // By name and labels: the most that has been told of a counter that is computed. It is read while
  // the task counts, so it may be too high for a moment; a counter must not go back.
  Guarded<std::map<std::string, int64_t>> told_;
};

}  // namespace weir
