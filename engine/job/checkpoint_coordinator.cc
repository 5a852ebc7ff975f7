#include "engine/job/checkpoint_coordinator.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/metric_catalog.h"

namespace weir {
namespace {
// A segment that no manifest names may belong to a checkpoint being made; it is kept this long.
constexpr int64_t kGarbageGraceMs = 10 * 60 * 1000;
// How often records are counted for checkpoints.every_records.
constexpr int64_t kCountEveryNs = 50'000'000;
}  // namespace

CheckpointCoordinator::CheckpointCoordinator(CoordinatorConfig config, const Env& env,
                                             std::shared_ptr<CheckpointStorage> storage,
                                             MailHandle mail, MetricRegistry* metrics,
                                             Trigger trigger, Completed completed)
    : config_(std::move(config)),
      env_(env),
      storage_(std::move(storage)),
      mail_(std::move(mail)),
      trigger_(std::move(trigger)),
      completed_(std::move(completed)),
      next_id_(config_.first_id),
      next_due_ns_(env.clock->MonoNs() + config_.interval_ms * 1'000'000) {
  const MetricLabels labels = {{"job", config_.job}};
  completed_total_ = metrics->GetCounter("weir_checkpoints_completed_total", labels);
  failed_total_ = metrics->GetCounter("weir_checkpoints_failed_total", labels);
  duration_ns_ = metrics->GetHistogram("weir_checkpoint_duration_seconds", labels);
  pause_ns_ = metrics->GetHistogram("weir_checkpoint_pause_seconds", labels);
  align_ns_ = metrics->GetHistogram("weir_checkpoint_alignment_seconds", labels);
  async_ns_ = metrics->GetHistogram("weir_checkpoint_async_seconds", labels);
  bytes_total_ = metrics->GetCounter("weir_checkpoint_written_bytes_total", labels);
  last_id_ = metrics->GetGauge("weir_checkpoint_last_id", labels);
  last_timestamp_ms_ = metrics->GetGauge("weir_checkpoint_last_timestamp_seconds", labels);
  last_duration_ns_ = metrics->GetGauge("weir_checkpoint_last_duration_seconds", labels);
  last_bytes_ = metrics->GetGauge("weir_checkpoint_last_size_bytes", labels);
  for (Gauge* g : {last_timestamp_ms_, last_duration_ns_, last_bytes_}) g->Set(kUnsetGauge);
}

void CheckpointCoordinator::Begin(SnapshotKind kind, const std::string& savepoint, Done done) {
  WEIR_CHECK(current_ == nullptr, "two checkpoints in flight");
  current_ = std::make_unique<InFlight>();
  current_->barrier.id = next_id_++;
  current_->barrier.kind = kind;
  if (kind == SnapshotKind::kSavepoint) {
    current_->barrier.savepoint = std::make_shared<const std::string>(savepoint);
  }
  wanted_ = false;
  current_->started_ns = env_.clock->MonoNs();
  current_->done = std::move(done);
  if (config_.every_records > 0) records_at_last_ = config_.records_read();
  ShowProgress();
  trigger_(current_->barrier);
}

SnapshotInFlight CheckpointCoordinator::in_flight_now() const {
  return shown_.With([](const SnapshotInFlight* shown) { return *shown; });
}

void CheckpointCoordinator::ShowProgress() {
  SnapshotInFlight now;
  if (current_ != nullptr) {
    now.id = current_->barrier.id;
    if (current_->barrier.savepoint) now.savepoint = *current_->barrier.savepoint;
    now.acknowledged = static_cast<int>(current_->acks.size());
    now.tasks = config_.tasks;
    now.bytes = current_->bytes;
    now.started_mono_ns = current_->started_ns;
  }
  shown_.With([&now](SnapshotInFlight* shown) { *shown = now; });
}

void CheckpointCoordinator::OnAck(TaskAck ack) {
  if (current_ == nullptr || ack.id != current_->barrier.id) return;  // of one given up
  if (!ack.status.ok()) {
    End(ack.status);
    return;
  }
  bytes_total_->Add(ack.bytes);
  align_ns_->Record(ack.align_ns);
  pause_ns_->Record(ack.pause_ns);
  async_ns_->Record(ack.async_ns);
  current_->bytes += ack.bytes;
  current_->acks.push_back(std::move(ack));
  ShowProgress();
  if (static_cast<int>(current_->acks.size()) == config_.tasks) Publish();
}

Manifest CheckpointCoordinator::MakeManifest(const InFlight& c) const {
  Manifest m;
  m.id = c.barrier.id;
  m.epoch = config_.epoch;
  m.job = config_.job;
  m.created_ms = env_.clock->NowMs();
  m.max_parallelism = config_.max_parallelism;
  m.savepoint = c.barrier.kind == SnapshotKind::kSavepoint;
  m.operators = config_.operators;
  std::map<std::string, OperatorState*> by_uid;
  for (OperatorState& op : m.operators) by_uid[op.uid] = &op;
  for (const TaskAck& ack : c.acks) {
    for (const NodeAck& node : ack.nodes) by_uid.at(node.uid)->subtasks.push_back(node.state);
  }
  for (OperatorState& op : m.operators) {
    std::sort(op.subtasks.begin(), op.subtasks.end(),
              [](const SubtaskState& a, const SubtaskState& b) { return a.subtask < b.subtask; });
  }
  return m;
}

void CheckpointCoordinator::Publish() {
  const int64_t id = current_->barrier.id;
  const std::string savepoint = current_->barrier.savepoint ? *current_->barrier.savepoint : "";
  auto manifest = std::make_shared<Manifest>(MakeManifest(*current_));
  env_.io->Submit(
      [this, id, savepoint, manifest, storage = storage_, mail = mail_, retain = config_.retain] {
        Status status = storage->WriteManifest(*manifest, savepoint);
        // Cleaning up is not part of the checkpoint: it is complete already.
        const Status collected = status.ok() ? storage->Collect(retain, kGarbageGraceMs) : status;
        mail.Post([this, id, status, collected] {
          if (status.ok() && !collected.ok()) {
            LogRepeated(LogLevel::kWarning, "checkpoint", "collect", FormatError(collected),
                        {"", -1, ErrorNumber(collected)});
          }
          OnPublished(id, status);
        });
      });
}

void CheckpointCoordinator::OnPublished(int64_t id, Status status) {
  if (current_ == nullptr || current_->barrier.id != id) {
    // Given up for being late, yet published: it is a valid restore point all the same.
    return;
  }
  End(std::move(status));
}

void CheckpointCoordinator::End(Status status) {
  auto ended = std::move(current_);
  ShowProgress();
  const int64_t now_ns = env_.clock->MonoNs();
  next_due_ns_ = std::max(now_ns, ended->started_ns + config_.interval_ms * 1'000'000);
  if (status.ok()) {
    failures_ = 0;
    completed_total_->Add();
    duration_ns_->Record(now_ns - ended->started_ns);
    last_completed_ms_ = env_.clock->NowMs();
    last_completed_id_ = ended->barrier.id;
    last_id_->Set(ended->barrier.id);
    last_timestamp_ms_->Set(last_completed_ms_);
    last_duration_ns_->Set(now_ns - ended->started_ns);
    int64_t bytes = 0;
    for (const TaskAck& ack : ended->acks) bytes += ack.bytes;
    last_bytes_->Set(bytes);
    completed_(ended->barrier.id, ended->barrier);
  } else {
    // A savepoint that somebody asked for under a bad name says nothing about the job's health.
    const bool savepoint = ended->barrier.kind == SnapshotKind::kSavepoint;
    if (!savepoint) ++failures_;
    failed_total_->Add();
    Log(LogLevel::kError, "checkpoint",
        absl::StrCat(savepoint ? "savepoint " : "checkpoint ", ended->barrier.id,
                     " failed: ", FormatError(status)),
        {"", -1, ErrorNumber(status)});
  }
  if (ended->done) ended->done(ended->barrier.id, std::move(status));
}

bool CheckpointCoordinator::Due(int64_t now_ns) const {
  if (!periodic_) return false;
  if (wanted_ || now_ns >= next_due_ns_) return true;
  return config_.every_records > 0 &&
         config_.records_read() - records_at_last_ >= config_.every_records;
}

void CheckpointCoordinator::Tick() {
  const int64_t now = env_.clock->MonoNs();
  if (current_ != nullptr) {
    if (now - current_->started_ns >= config_.timeout_ms * 1'000'000) {
      End(Err(ErrorCode::kCheckpointTimeout,
              absl::StrCat(current_->acks.size(), " of ", config_.tasks, " tasks acknowledged in ",
                           config_.timeout_ms, " ms"),
              "raise checkpoints.timeout, or look for a task that is back-pressured"));
    }
  } else if (Due(now)) {
    Begin(SnapshotKind::kCheckpoint, "", nullptr);
  }
}

int64_t CheckpointCoordinator::NextDeadlineNs() const {
  if (current_ != nullptr) return current_->started_ns + config_.timeout_ms * 1'000'000;
  if (!periodic_) return kNeverNs;
  if (config_.every_records == 0) return next_due_ns_;
  return std::min(next_due_ns_, env_.clock->MonoNs() + kCountEveryNs);
}

}  // namespace weir
