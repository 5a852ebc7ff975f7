#include "engine/runtime/watermark_valve.h"

#include <algorithm>

namespace weir {

WatermarkValve::WatermarkValve(int channels, int64_t restored)
    : channels_(channels), output_(restored) {
  // Nobody says the restored time again: what is behind a gate with that output is swallowed there.
  for (ChannelState& c : channels_) c.watermark = restored;
}

ValveOutput WatermarkValve::OnWatermark(int channel, int64_t ms) {
  ChannelState& c = channels_[channel];
  if (idle_ || c.idle || ms <= c.watermark) return {};
  c.watermark = ms;
  if (!c.aligned && ms >= output_) c.aligned = true;
  ValveOutput out;
  if (const auto min = MinOfAligned()) out.watermark = Advance(*min);
  return out;
}

ValveOutput WatermarkValve::OnIdle(int channel, bool idle) {
  ChannelState& c = channels_[channel];
  if (c.idle == idle) return {};
  c.idle = idle;
  ValveOutput out;
  if (!idle) {
    // Joins the minimum only once caught up, so it can never pull event time back (E-M4).
    c.aligned = c.watermark >= output_;
    if (idle_) {
      idle_ = false;
      out.idle = false;
    }
    return out;
  }
  c.aligned = false;
  const bool all_idle =
      std::all_of(channels_.begin(), channels_.end(), [](const ChannelState& s) { return s.idle; });
  if (all_idle) {
    // The channel that held time back was the last to go: everything seen may count now (E-M6).
    if (c.watermark == output_) {
      if (const auto max = MaxOfAll()) out.watermark = Advance(*max);
    }
    idle_ = true;
    out.idle = true;
  } else if (c.watermark == output_) {
    if (const auto min = MinOfAligned()) out.watermark = Advance(*min);
  }
  return out;
}

std::optional<int64_t> WatermarkValve::MinOfAligned() {
  std::optional<int64_t> min;
  for (const ChannelState& c : channels_) {
    if (c.aligned && !c.idle) min = min ? std::min(*min, c.watermark) : c.watermark;
  }
  return min;
}

std::optional<int64_t> WatermarkValve::MaxOfAll() {
  std::optional<int64_t> max;
  for (const ChannelState& c : channels_) max = max ? std::max(*max, c.watermark) : c.watermark;
  return max;
}

std::optional<int64_t> WatermarkValve::Advance(int64_t candidate) {
  if (candidate <= output_) return std::nullopt;
  output_ = candidate;
  return candidate;
}

}  // namespace weir
