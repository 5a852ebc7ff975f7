#include "engine/runtime/task_snapshot.h"

#include <utility>

#include "engine/base/metric_catalog.h"

namespace weir {
namespace {
// A chain longer than this, or deltas heavier than twice the base, cost more at restore than a new
// base costs now.
constexpr size_t kMaxChain = 16;
}  // namespace

bool SegmentChain::NeedsFull() const {
  return segments.empty() || segments.size() >= kMaxChain ||
         delta_bytes > 2 * base_bytes + (int64_t{1} << 20);
}

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
                           std::vector<SegmentChain>* chains,
                           std::shared_ptr<CheckpointStorage> storage, const Env& env,
                           MailHandle mail, TaskListener* listener,
                           const TaskSnapshotGauges& gauges)
    : task_(task),
      barrier_(std::move(barrier)),
      nodes_(nodes),
      chains_(chains),
      storage_(std::move(storage)),
      env_(env),
      mail_(std::move(mail)),
      listener_(listener),
      gauges_(gauges) {
  ack_.task = task;
  ack_.id = barrier_.id;
}

Status TaskSnapshot::Begin(int64_t watermark, int64_t aligned_since_ns) {
  const int64_t start = env_.clock->MonoNs();
  ack_.align_ns = aligned_since_ns == 0 ? 0 : start - aligned_since_ns;
  for (const auto& node : *nodes_) {
    NodeAck ack;
    ack.uid = node->info().uid;
    ack.subtask = node->info().subtask;
    ack.state.subtask = ack.subtask;
    ack_.nodes.push_back(std::move(ack));
  }
  if (watermark != kNoTimestamp) {
    StatePiece piece{std::string(kWatermarkPiece), {}};
    PutSigned(&piece.bytes, watermark);
    ack_.nodes[0].state.pieces.push_back(std::move(piece));
  }
  pending_ = nodes_->size();  // every operator's part
  for (size_t i = 0; i < nodes_->size(); ++i) {
    ChainNode& node = *(*nodes_)[i];
    auto part = std::make_shared<Part>(shared_from_this(), i);
    WEIR_RETURN_IF_ERROR(node.source() != nullptr ? node.source()->Snapshot(part)
                                                  : node.op()->Snapshot(part));
    if (node.backend() == nullptr) continue;
    const bool full = barrier_.kind == SnapshotKind::kSavepoint || (*chains_)[i].NeedsFull();
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
  ChainNode& node = *(*nodes_)[i];
  SealedState sealed = node.backend()->TakeSealed();
  // Every subtask holds broadcast state alike; one copy is enough (I-18).
  if (node.info().subtask != 0) {
    std::erase_if(sealed.tables, [](const SealedTable& t) { return t.broadcast; });
  }
  std::erase_if(sealed.tables, [](const SealedTable& t) { return t.records == 0; });
  const bool full = sealed.full;
  if (full && barrier_.kind == SnapshotKind::kCheckpoint) (*chains_)[i] = SegmentChain{};
  if (sealed.tables.empty()) {
    ack_.nodes[i].state.segments = (*chains_)[i].segments;
    PieceDone(absl::OkStatus());
    return;
  }
  // The task may be gone when the write is done: everything but `self` is owned by the job, which
  // outlives the executor's work, and the mail is dropped then.
  env_.io->Submit([self = shared_from_this(), storage = storage_, mail = mail_, i, full,
                   savepoint = barrier_.savepoint,
                   state = std::make_shared<SealedState>(std::move(sealed))] {
    auto ref = storage->WriteSegment(std::move(*state), savepoint ? *savepoint : std::string());
    mail.Post([self, i, full, ref = std::move(ref)] { self->OnWritten(i, full, ref); });
  });
}

void TaskSnapshot::OnWritten(size_t i, bool full, StatusOr<SegmentRef> ref) {
  SegmentChain& chain = (*chains_)[i];
  if (barrier_.kind == SnapshotKind::kSavepoint) {
    // A savepoint's seal has taken the dirty list with it: the next checkpoint starts a new chain.
    chain = SegmentChain{};
    if (ref.ok()) ack_.nodes[i].state.segments = {*ref};
  } else if (!ref.ok()) {
    chain = SegmentChain{};  // what this delta held is in no file
  } else {
    (full ? chain.base_bytes : chain.delta_bytes) += ref->bytes;
    chain.segments.push_back(*ref);
    ack_.nodes[i].state.segments = chain.segments;
  }
  if (ref.ok()) ack_.bytes += ref->bytes;
  PieceDone(ref.status());
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
