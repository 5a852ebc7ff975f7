// All input channels of one task: choice of the next element, barrier alignment, event time.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "engine/model/element.h"
#include "engine/runtime/channel.h"
#include "engine/runtime/watermark_valve.h"

namespace weir {

// What the gate hands to the task.
struct GateBatch {
  int input;
  RecordBatch batch;
};
struct GateTime {
  ValveOutput time;
};
struct GateEnd {};
using GateEvent = std::variant<GateBatch, GateTime, Barrier, GateEnd>;

// Task thread only. Exactly-once alignment (mission E-C2): a channel that has delivered barrier n
// is not read until all have; barriers of older checkpoints are ignored, a newer one replaces the
// one being aligned. Control channels come first and take no part in event time or end of input.
// While the operator can take no data they are read on behind their barrier: their next record may
// be what gives it room again. See OperatorPlan::ControlInput for what that means at a restore.
//
// The first thing that a data channel says is whether it is idle, and no data is taken before all
// have said it: else the first records of one channel would be judged late or not by how soon the
// news arrives that another channel has nothing to read.
class InputGate {
 public:
  InputGate(std::vector<int> channel_inputs, std::vector<bool> control,
            std::vector<Channel*> channels);

  void RestoreWatermark(int64_t ms) { valve_ = WatermarkValve(data_channels_, ms); }
  int64_t watermark() const { return valve_.output(); }

  // The next event, or nullopt when nothing can be taken. With `control_only` data channels are
  // left alone (the operators cannot accept).
  std::optional<GateEvent> Next(bool control_only);
  bool aligning() const { return aligned_count_ > 0; }

 private:
  struct Input {
    Channel* channel;
    int input;
    bool control;
    int valve_index;        // -1 for control
    bool reported = false;  // has said whether it is idle
    bool blocked = false;
    bool ended = false;
  };
  std::optional<GateEvent> Take(Input* in, bool behind_barrier = false);
  std::optional<GateEvent> OnElement(Input* in, StreamElement element);
  std::optional<GateEvent> OnBarrier(Input* in, const Barrier& barrier);
  std::optional<GateEvent> OnReport(Input* in, bool idle);
  static std::optional<GateEvent> Time(const ValveOutput& out);

  std::vector<Input> inputs_;
  int data_channels_ = 0;
  WatermarkValve valve_;
  size_t unreported_;
  size_t next_ = 0;  // round robin over data channels
  int64_t barrier_ = 0;
  size_t aligned_count_ = 0;
  size_t ended_count_ = 0;
};

}  // namespace weir
