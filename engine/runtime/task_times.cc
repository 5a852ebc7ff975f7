#include "engine/runtime/task_times.h"

#include "engine/base/metric_catalog.h"

namespace weir {

TaskTimes::TaskTimes(MetricRegistry* metrics, const MetricLabels& labels)
    : totals_{metrics->GetCounter("weir_task_busy_seconds_total", labels),
              metrics->GetCounter("weir_task_idle_seconds_total", labels),
              metrics->GetCounter("weir_task_backpressured_seconds_total", labels),
              metrics->GetCounter("weir_task_queued_seconds_total", labels)},
      state_gauge_(metrics->GetGauge("weir_task_state", labels)),
      since_gauge_(metrics->GetGauge("weir_task_state_since", labels)) {
  state_gauge_->Set(kUnsetGauge);
}

}  // namespace weir
