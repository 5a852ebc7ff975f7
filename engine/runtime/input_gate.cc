#include "engine/runtime/input_gate.h"

#include <algorithm>
#include <utility>

namespace weir {

InputGate::InputGate(std::vector<int> channel_inputs, std::vector<bool> control,
                     std::vector<Channel*> channels)
    : data_channels_(static_cast<int>(std::count(control.begin(), control.end(), false))),
      valve_(data_channels_),
      unreported_(data_channels_) {
  int valve_index = 0;
  for (size_t i = 0; i < channels.size(); ++i) {
    inputs_.push_back(
        Input{channels[i], channel_inputs[i], control[i], control[i] ? -1 : valve_index++});
  }
  // Control channels first: Next looks at them in order before any data.
  std::stable_partition(inputs_.begin(), inputs_.end(), [](const Input& in) { return in.control; });
}

std::optional<GateEvent> InputGate::Next(bool control_only) {
  const size_t first_data = inputs_.size() - data_channels_;
  for (size_t i = 0; i < first_data; ++i) {
    if (auto event = Take(&inputs_[i], control_only)) return event;
  }
  if (control_only) return std::nullopt;
  for (int tried = 0; tried < data_channels_; ++tried) {
    Input* in = &inputs_[first_data + next_];
    next_ = (next_ + 1) % data_channels_;
    if (auto event = Take(in)) return event;
  }
  return std::nullopt;
}

std::optional<GateEvent> InputGate::Take(Input* in, bool behind_barrier) {
  StreamElement element;
  // Elements that lead to nothing (a watermark behind the minimum) are used up here.
  while ((behind_barrier || !in->blocked) && (unreported_ == 0 || in->control || !in->reported) &&
         in->channel->Pop(&element)) {
    if (auto event = OnElement(in, std::move(element))) return event;
  }
  return std::nullopt;
}

std::optional<GateEvent> InputGate::OnElement(Input* in, StreamElement element) {
  if (auto* batch = std::get_if<RecordBatch>(&element)) {
    return GateBatch{in->input, std::move(*batch)};
  }
  if (auto* barrier = std::get_if<Barrier>(&element)) return OnBarrier(in, *barrier);
  if (in->control) return std::nullopt;
  if (auto* watermark = std::get_if<Watermark>(&element)) {
    return Time(valve_.OnWatermark(in->valve_index, watermark->ms));
  }
  if (auto* status = std::get_if<IdleStatus>(&element)) {
    if (!in->reported) return OnReport(in, status->idle);
    return Time(valve_.OnIdle(in->valve_index, status->idle));
  }
  if (std::holds_alternative<EndOfInput>(element) && !in->ended) {
    in->ended = true;
    if (++ended_count_ == static_cast<size_t>(data_channels_)) return GateEnd{};
  }
  return std::nullopt;
}

std::optional<GateEvent> InputGate::OnReport(Input* in, bool idle) {
  in->reported = true;
  ValveOutput out = valve_.OnIdle(in->valve_index, idle);
  if (--unreported_ > 0) return std::nullopt;
  out.idle = valve_.idle();  // said also when it is not: consumers wait for it as this gate did
  return GateTime{out};
}

std::optional<GateEvent> InputGate::OnBarrier(Input* in, const Barrier& barrier) {
  if (barrier.id < barrier_ || (barrier.id == barrier_ && aligned_count_ == 0)) return std::nullopt;
  if (barrier.id > barrier_) {
    barrier_ = barrier.id;
    aligned_count_ = 0;
    for (Input& other : inputs_) other.blocked = false;
  }
  WEIR_CHECK(in->control || in->reported, "an operator before this task did not pass OnIdle on");
  in->blocked = true;
  if (++aligned_count_ < inputs_.size()) return std::nullopt;
  aligned_count_ = 0;
  for (Input& other : inputs_) other.blocked = false;
  return barrier;
}

std::optional<GateEvent> InputGate::Time(const ValveOutput& out) {
  if (!out.watermark && !out.idle) return std::nullopt;
  return GateTime{out};
}

}  // namespace weir
