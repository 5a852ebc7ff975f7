// The metrics of one node's state. The backend counts in plain integers; the task publishes them
// every few turns.
#pragma once

#include "engine/base/metrics.h"
#include "engine/core/state_backend.h"
#include "engine/core/state_counts.h"

namespace weir {

// Task thread only; `backend` and `metrics` outlive it.
class StateMetrics {
 public:
  StateMetrics(const StateBackend* backend, MetricRegistry* metrics, const MetricLabels& labels);
  void Publish();
  void CountSpill() {
    if (counting_ != nullptr) spills_->Add();
  }

 private:
  void Register(MetricRegistry* metrics, const MetricLabels& labels);

  const StateBackend* backend_;
  const CountingState* counting_;  // null: over no store
  StateCounts told_;
  Gauge* bytes_;
  Counter *hits_ = nullptr, *found_ = nullptr, *absent_ = nullptr, *read_bytes_ = nullptr;
  Counter *evicted_ = nullptr, *spills_ = nullptr;
  Counter *written_entries_ = nullptr, *written_bytes_ = nullptr;
  Gauge *hot_bytes_ = nullptr, *hot_limit_bytes_ = nullptr;
};

}  // namespace weir
