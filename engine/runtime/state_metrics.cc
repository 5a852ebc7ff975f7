#include "engine/runtime/state_metrics.h"

#include <string>

namespace weir {

StateMetrics::StateMetrics(const StateBackend* backend, MetricRegistry* metrics,
                           const MetricLabels& labels)
    : backend_(backend),
      counting_(dynamic_cast<const CountingState*>(backend)),
      bytes_(metrics->GetGauge("weir_operator_state_bytes", labels)) {
  // The same class serves without a store, where there is no bound and nothing to miss.
  if (counting_ != nullptr && counting_->Counts().hot_limit_bytes == 0) counting_ = nullptr;
  if (counting_ != nullptr) Register(metrics, labels);
}

void StateMetrics::Register(MetricRegistry* metrics, const MetricLabels& labels) {
  const auto misses = [&](const char* result) {
    MetricLabels with = labels;
    with.emplace_back("result", result);
    return metrics->GetCounter("weir_state_misses_total", with);
  };
  hits_ = metrics->GetCounter("weir_state_hits_total", labels);
  found_ = misses("found");
  absent_ = misses("absent");
  read_bytes_ = metrics->GetCounter("weir_state_read_bytes_total", labels);
  evicted_ = metrics->GetCounter("weir_state_evicted_total", labels);
  spills_ = metrics->GetCounter("weir_state_spills_total", labels);
  written_entries_ = metrics->GetCounter("weir_state_written_total", labels);
  written_bytes_ = metrics->GetCounter("weir_state_written_bytes_total", labels);
  hot_bytes_ = metrics->GetGauge("weir_state_hot_bytes", labels);
  hot_limit_bytes_ = metrics->GetGauge("weir_state_hot_limit_bytes", labels);
}

// Differences, because an earlier backend of this node may have counted on the same counters.
void StateMetrics::Publish() {
  bytes_->Set(static_cast<int64_t>(backend_->memory_bytes()));
  if (counting_ == nullptr) return;
  const StateCounts now = counting_->Counts();
  hits_->Add(now.hits - told_.hits);
  found_->Add((now.misses - now.absent) - (told_.misses - told_.absent));
  absent_->Add(now.absent - told_.absent);
  read_bytes_->Add(now.read_bytes - told_.read_bytes);
  evicted_->Add(now.evicted - told_.evicted);
  written_entries_->Add(now.written_entries - told_.written_entries);
  written_bytes_->Add(now.written_bytes - told_.written_bytes);
  hot_bytes_->Set(now.hot_bytes);
  hot_limit_bytes_->Set(now.hot_limit_bytes);
  told_ = now;
}

}  // namespace weir
