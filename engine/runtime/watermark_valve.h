// Event time of a task with several input channels (Flink's StatusWatermarkValve; mission E-M3 to
// E-M6, tested by shared/cases kind watermark_valve).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/model/record_batch.h"

namespace weir {

// What one input event makes the valve say; at most one watermark and one status, watermark first.
struct ValveOutput {
  std::optional<int64_t> watermark;
  std::optional<bool> idle;
};

class WatermarkValve {
 public:
  // `restored` is the watermark of the checkpoint (D11): nothing at or below it comes out again.
  explicit WatermarkValve(int channels, int64_t restored = kNoTimestamp);

  ValveOutput OnWatermark(int channel, int64_t ms);
  ValveOutput OnIdle(int channel, bool idle);
  int64_t output() const { return output_; }
  bool idle() const { return idle_; }

 private:
  struct ChannelState {
    int64_t watermark = kNoTimestamp;
    bool idle = false;
    bool aligned = true;  // active and caught up with the output
  };
  std::optional<int64_t> MinOfAligned();
  std::optional<int64_t> MaxOfAll();
  std::optional<int64_t> Advance(int64_t candidate);

  std::vector<ChannelState> channels_;
  int64_t output_;
  bool idle_ = false;
};

}  // namespace weir
