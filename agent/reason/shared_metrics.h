// Counters of engine/base have one writer; what answers on any thread takes turns here.
#pragma once

#include <string>

#include "engine/base/guarded.h"
#include "engine/base/metrics.h"

namespace weir {

// Not for hot paths. `registry` outlives it.
class SharedMetrics {
 public:
  explicit SharedMetrics(MetricRegistry* registry) : registry_(registry) {}
  void Add(const std::string& name, const MetricLabels& labels, int64_t n = 1) {
    turn_.With([&](char*) { registry_->GetCounter(name, labels)->Add(n); });
  }
  void Record(const std::string& name, const MetricLabels& labels, int64_t value) {
    turn_.With([&](char*) { registry_->GetHistogram(name, labels)->Record(value); });
  }

 private:
  MetricRegistry* registry_;
  Guarded<char> turn_;
};

}  // namespace weir
