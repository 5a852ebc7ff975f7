// One task's part in one checkpoint: from the barrier to the acknowledgement (DESIGN D6).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/core/checkpoint_storage.h"
#include "engine/runtime/chain_node.h"
#include "engine/runtime/segment_writer.h"
#include "engine/runtime/task_events.h"

namespace weir {

// Name of the piece of a task's first node that holds the input's watermark.
inline constexpr std::string_view kWatermarkPiece = "_watermark";

// What the newest checkpoint of a task took.
struct TaskSnapshotGauges {
  TaskSnapshotGauges() = default;
  TaskSnapshotGauges(MetricRegistry* metrics, const MetricLabels& labels);
  Gauge *align_ns = nullptr, *pause_ns = nullptr, *async_ns = nullptr, *bytes = nullptr;
};

// Task thread only.
class TaskSnapshot : public std::enable_shared_from_this<TaskSnapshot> {
 public:
  // `writers`: one per node, null for nodes without state.
  TaskSnapshot(int task, Barrier barrier, std::vector<std::unique_ptr<ChainNode>>* nodes,
               std::vector<std::shared_ptr<SegmentWriter>>* writers, const Env& env,
               TaskListener* listener, const TaskSnapshotGauges& gauges);

  // The synchronous part, head to tail: operators' snapshots, seals. Then the caller sends the
  // barrier on. Its first barrier came at `aligned_since_ns`; 0 =
  // there was nothing to align.
  Status Begin(int64_t aligned_since_ns);
  // Serialises sealed state for a while; true while there is more to do.
  bool Continue(int64_t budget_ns);
  // Serialises all that is left: a new barrier is here already.
  void FinishSealing();
  bool sealing() const { return sealing_ < nodes_->size(); }
  int64_t id() const { return barrier_.id; }
  bool done() const { return acked_; }

 private:
  class Part;
  void Write(size_t node);
  void PieceDone(Status status);
  void MaybeAck();

  const Barrier barrier_;
  std::vector<std::unique_ptr<ChainNode>>* nodes_;
  std::vector<std::shared_ptr<SegmentWriter>>* writers_;
  const Env& env_;
  TaskListener* listener_;
  const TaskSnapshotGauges gauges_;
  int64_t begun_ns_ = 0;
  TaskAck ack_;
  size_t sealing_ = 0;  // index of the node being serialised
  size_t pending_ = 0;  // parts and writes that are outstanding
  bool begun_ = false;
  bool acked_ = false;
};

}  // namespace weir
