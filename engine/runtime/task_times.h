// How a task spends its time: four counters that add up to the time since its first turn.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/metrics.h"

namespace weir {

// Task thread only. Counters move when a state is left; what the present one adds is computed from
// the two gauges by whoever shows them.
class TaskTimes {
 public:
  enum class State : int { kNotBegun = -1, kBusy, kIdle, kBackpressured, kQueued };

  TaskTimes() = default;
  TaskTimes(MetricRegistry* metrics, const MetricLabels& labels);

  State state() const { return state_; }
  void Enter(State next, int64_t now_ns) {
    if (state_ != State::kNotBegun) totals_[static_cast<size_t>(state_)]->Add(now_ns - since_ns_);
    state_ = next;
    since_ns_ = now_ns;
    since_gauge_->Set(now_ns);
    state_gauge_->Set(static_cast<int>(next));
  }

 private:
  std::array<Counter*, 4> totals_{};
  Gauge* state_gauge_ = nullptr;
  Gauge* since_gauge_ = nullptr;
  State state_ = State::kNotBegun;
  int64_t since_ns_ = 0;
};

}  // namespace weir
