#include "engine/runtime/task_snapshot.h"

#include <utility>

#include "engine/base/metric_catalog.h"

namespace weir {

TaskSnapshotGauges::TaskSnapshotGauges(MetricRegistry* metrics, const MetricLabels& labels)
    : align_ns(metrics->GetGauge("weir_task_checkpoint_alignment_seconds", labels)),
      pause_ns(metrics->GetGauge("weir_task_checkpoint_pause_seconds", labels)),
      async_ns(metrics->GetGauge("weir_task_checkpoint_async_seconds", labels)),
      bytes(metrics->GetGauge("weir_task_checkpoint_size_bytes", labels)) {
  for (Gauge* gauge : {align_ns, pause_ns, async_ns, bytes}) gauge->Set(kUnsetGauge);
}

// Keeps the snapshot alive until the operator has finished its part.
class TaskSnapshot::Part : public SnapshotPart {
 public:
  Part(std::shared_ptr<TaskSnapshot> snapshot, size_t node)
      : snapshot_(std::move(snapshot)), node_(node) {}
  int64_t checkpoint() const override { return snapshot_->barrier_.id; }
  SnapshotKind kind() const override { return snapshot_->barrier_.kind; }
  void Add(StatePiece piece) override {
    snapshot_->ack_.nodes[node_].state.pieces.push_back(std::move(piece));
  }
  void Finish(Status status) override {
    WEIR_CHECK(!finished_, "an operator finished its snapshot twice");
    finished_ = true;
    snapshot_->PieceDone(std::move(status));
  }

 private:
  std::shared_ptr<TaskSnapshot> snapshot_;
  size_t node_;
  bool finished_ = false;
};

TaskSnapshot::TaskSnapshot(int task, Barrier barrier,
                           std::vector<std::unique_ptr<ChainNode>>* nodes,
                           std::vector<std::shared_ptr<SegmentWriter>>* writers, const Env& env,
                           TaskListener* listener, const TaskSnapshotGauges& gauges)
    : barrier_(std::move(barrier)),
      nodes_(nodes),
      writers_(writers),
      env_(env),
      listener_(listener),
      gauges_(gauges) {
  ack_.task = task;
  ack_.id = barrier_.id;
}

Status TaskSnapshot::Begin(int64_t aligned_since_ns) {
  const int64_t start = env_.clock->MonoNs();
  ack_.align_ns = aligned_since_ns == 0 ? 0 : start - aligned_since_ns;
  for (const auto& node : *nodes_) {
    NodeAck ack;
    ack.uid = node->info().uid;
    ack.subtask = node->info().subtask;
    ack.state.subtask = ack.subtask;
    // Each its own: behind an agent loop's held ports time is behind that of the chain's head.
    if (node->watermark() != kNoTimestamp) {
      StatePiece piece{std::string(kWatermarkPiece), {}};
      PutSigned(&piece.bytes, node->watermark());
      ack.state.pieces.push_back(std::move(piece));
    }
    ack_.nodes.push_back(std::move(ack));
  }
  pending_ = nodes_->size();  // every operator's part
  for (size_t i = 0; i < nodes_->size(); ++i) {
    ChainNode& node = *(*nodes_)[i];
    auto part = std::make_shared<Part>(shared_from_this(), i);
    WEIR_RETURN_IF_ERROR(node.source() != nullptr ? node.source()->Snapshot(part)
                                                  : node.op()->Snapshot(part));
    if (node.backend() == nullptr) continue;
    const bool full = barrier_.kind == SnapshotKind::kSavepoint || (*writers_)[i]->NeedsFull();
    node.backend()->Seal(barrier_.id, full);
    ++pending_;
  }
  begun_ = true;
  begun_ns_ = env_.clock->MonoNs();
  ack_.pause_ns = begun_ns_ - start;
  return absl::OkStatus();
}

bool TaskSnapshot::Continue(int64_t budget_ns) {
  while (sealing_ < nodes_->size() && (*nodes_)[sealing_]->backend() == nullptr) ++sealing_;
  if (sealing_ == nodes_->size()) {
    MaybeAck();
    return false;
  }
  if ((*nodes_)[sealing_]->backend()->WriteSlice(budget_ns)) {
    Write(sealing_);
    ++sealing_;
  }
  return true;
}

void TaskSnapshot::FinishSealing() {
  while (sealing()) Continue(kNeverNs);
}

void TaskSnapshot::Write(size_t i) {
  const bool savepoint = barrier_.kind == SnapshotKind::kSavepoint;
  (*writers_)[i]->Write(
      savepoint ? SegmentWriter::Kind::kSavepoint : SegmentWriter::Kind::kCheckpoint,
      savepoint ? *barrier_.savepoint : std::string(),
      [self = shared_from_this(), i](const SegmentWriter::Outcome& outcome) {
        self->ack_.nodes[i].state.segments = outcome.segments;
        self->ack_.bytes += outcome.bytes;
        self->PieceDone(outcome.status);
      });
}

void TaskSnapshot::PieceDone(Status status) {
  if (ack_.status.ok()) ack_.status = std::move(status);
  --pending_;
  MaybeAck();
}

void TaskSnapshot::MaybeAck() {
  if (!begun_ || pending_ > 0 || acked_) return;
  acked_ = true;
  ack_.async_ns = env_.clock->MonoNs() - begun_ns_;
  gauges_.align_ns->Set(ack_.align_ns);
  gauges_.pause_ns->Set(ack_.pause_ns);
  gauges_.async_ns->Set(ack_.async_ns);
  gauges_.bytes->Set(ack_.bytes);
  listener_->OnAck(std::move(ack_));
}

}  // namespace weir
