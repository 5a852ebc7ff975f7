// One task's part in one checkpoint: from the barrier to the acknowledgement (DESIGN D6).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/core/checkpoint_storage.h"
#include "engine/runtime/chain_node.h"
#include "engine/runtime/task_events.h"

namespace weir {

// What of a node's state earlier checkpoints of this incarnation hold already. Deltas build on it;
// it is dropped whenever the next checkpoint must be full: after a restore, a failed write, a
// savepoint.
struct SegmentChain {
  std::vector<SegmentRef> segments;
  int64_t base_bytes = 0;
  int64_t delta_bytes = 0;
  bool NeedsFull() const;
};

// Name of the piece of a task's first node that holds the input's watermark.
inline constexpr std::string_view kWatermarkPiece = "_watermark";

// What the newest checkpoint of a task took.
struct TaskSnapshotGauges {
  TaskSnapshotGauges() = default;
  TaskSnapshotGauges(MetricRegistry* metrics, const MetricLabels& labels);
  Gauge *align_ns = nullptr, *pause_ns = nullptr, *async_ns = nullptr, *bytes = nullptr;
};

// Task thread only, but for the segment writes, which run on the I/O executor and come back as
// mail.
class TaskSnapshot : public std::enable_shared_from_this<TaskSnapshot> {
 public:
  TaskSnapshot(int task, Barrier barrier, std::vector<std::unique_ptr<ChainNode>>* nodes,
               std::vector<SegmentChain>* chains, std::shared_ptr<CheckpointStorage> storage,
               const Env& env, MailHandle mail, TaskListener* listener,
               const TaskSnapshotGauges& gauges);

  // The synchronous part, head to tail: operators' snapshots, seals. Then the caller sends the
  // barrier on. `watermark` is the input's (D11). Its first barrier came at `aligned_since_ns`; 0 =
  // there was nothing to align.
  Status Begin(int64_t watermark, int64_t aligned_since_ns);
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
  void OnWritten(size_t node, bool full, StatusOr<SegmentRef> ref);
  void PieceDone(Status status);
  void MaybeAck();

  const int task_;
  const Barrier barrier_;
  std::vector<std::unique_ptr<ChainNode>>* nodes_;
  std::vector<SegmentChain>* chains_;
  std::shared_ptr<CheckpointStorage> storage_;
  const Env& env_;
  MailHandle mail_;
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
