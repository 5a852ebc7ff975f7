// Decides when a checkpoint is taken and when it is complete (DESIGN section 2, "A checkpoint").
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/guarded.h"
#include "engine/base/mailbox.h"
#include "engine/base/metrics.h"
#include "engine/core/checkpoint_storage.h"
#include "engine/job/job_control.h"
#include "engine/model/element.h"
#include "engine/runtime/task_events.h"

namespace weir {

struct CoordinatorConfig {
  std::string job;
  int64_t epoch = 0;
  int64_t first_id = 1;
  int max_parallelism = 128;
  int tasks = 0;
  int64_t interval_ms = 10'000;
  int64_t timeout_ms = 600'000;
  int retain = 3;
  // Also after this many records have been read since the last one; 0 = by time only.
  int64_t every_records = 0;
  std::function<int64_t()> records_read;
  // operator uid -> (name, parallelism), for the manifest.
  std::vector<OperatorState> operators;
};

// One checkpoint in flight (D6). Lives on the job's slot: all calls and callbacks on its thread.
// The manifest is written only after every task has acknowledged (I-7); a failed or late checkpoint
// is dropped as a whole, and the next one stands on its own feet (see SegmentChain).
class CheckpointCoordinator {
 public:
  // Sends a barrier into every source.
  using Trigger = std::function<void(const Barrier&)>;
  // Checkpoint `id` is complete and durable.
  using Completed = std::function<void(int64_t id, const Barrier&)>;
  using Done = JobControl::SnapshotDone;

  CheckpointCoordinator(CoordinatorConfig config, const Env& env,
                        std::shared_ptr<CheckpointStorage> storage, MailHandle mail,
                        MetricRegistry* metrics, Trigger trigger, Completed completed);

  bool in_flight() const { return current_ != nullptr; }
  // Starts one now; no other may be in flight. `done` hears how it ends.
  void Begin(SnapshotKind kind, const std::string& savepoint, Done done);
  void OnAck(TaskAck ack);
  // Starts periodic checkpoints when due, gives up on late ones.
  void Tick();
  int64_t NextDeadlineNs() const;
  // Failed or expired ones since the last that completed.
  int consecutive_failures() const { return failures_; }
  // Any thread.
  int64_t last_completed_ms() const { return last_completed_ms_; }
  int64_t last_completed_id() const { return last_completed_id_; }
  SnapshotInFlight in_flight_now() const;
  void StopPeriodic() { periodic_ = false; }
  // The next one is due as soon as none is in flight.
  void WantSoon() { wanted_ = true; }

 private:
  struct InFlight {
    Barrier barrier;
    int64_t started_ns;
    std::vector<TaskAck> acks;
    Done done;
    int64_t bytes = 0;
  };
  void ShowProgress();
  bool Due(int64_t now_ns) const;
  Manifest MakeManifest(const InFlight& c) const;
  void Publish();
  void OnPublished(int64_t id, Status status);
  void End(Status status);

  const CoordinatorConfig config_;
  const Env env_;
  std::shared_ptr<CheckpointStorage> storage_;
  MailHandle mail_;
  Trigger trigger_;
  Completed completed_;
  std::unique_ptr<InFlight> current_;
  int64_t next_id_;
  int64_t next_due_ns_;
  int64_t records_at_last_ = 0;
  bool periodic_ = true;
  bool wanted_ = false;
  int failures_ = 0;
  std::atomic<int64_t> last_completed_ms_{0};
  std::atomic<int64_t> last_completed_id_{0};
  mutable Guarded<SnapshotInFlight> shown_;
  Counter* completed_total_;
  Counter* failed_total_;
  Histogram* duration_ms_;
  Histogram* pause_us_;
  Counter* bytes_total_;
};

}  // namespace weir
