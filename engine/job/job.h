// A running job: its tasks, its checkpoints, how it starts and how it ends (DESIGN D2, D6, D9).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/guarded.h"
#include "engine/base/mailbox.h"
#include "engine/base/metrics.h"
#include "engine/base/notification.h"
#include "engine/base/scoped_executor.h"
#include "engine/core/registry.h"
#include "engine/job/checkpoint_coordinator.h"
#include "engine/job/job_control.h"
#include "engine/job/restore.h"
#include "engine/job/task_graph.h"
#include "engine/plan/plan.h"

namespace weir {

struct JobOptions {
  bool until_end = false;  // end once everything that is there has been processed
  bool fresh = false;      // forget checkpoints, internal topics and outputs first
  RestoreOptions restore;
  std::string stop_savepoint;  // take this savepoint when the job ends by itself or is stopped
  int64_t drain_timeout_ms =
      10'000;                  // on stop: wait this long for what is pending, then checkpoint
  int slots = 0;               // 0 = the job's parallelism
  bool slot_per_task = false;  // simulation
  int64_t slice_ns = 200'000;  // sealed state is serialised this long between batches
  MetricRegistry* metrics = nullptr;  // outlives the job; null = the job has its own
};

// The job's own work (checkpoints, life cycle) runs on a slot of its own, after those of the tasks.
class Job final : public TaskListener, public SlotWork, public JobControl {
 public:
  // Takes the lock, opens the next epoch, chooses the restore point and builds all tasks. Nothing
  // runs yet. `plan`, `registry` and `env` must outlive the job.
  static StatusOr<std::unique_ptr<Job>> Create(const PhysicalPlan& plan, const Registry& registry,
                                               const Env& env, const JobOptions& options);
  ~Job() override;

  void Start();
  // JobControl: any thread.
  const PhysicalPlan& plan() const override { return plan_; }
  MetricRegistry* metrics() override { return metrics_; }
  int64_t epoch() const override { return epoch_; }
  std::string restored_from() const;  // in words
  int64_t restored_checkpoint() const override;
  JobPhase phase() const override;
  SnapshotInFlight snapshot() const override { return coordinator_->in_flight_now(); }
  int64_t last_checkpoint_id() const override { return coordinator_->last_completed_id(); }
  int64_t last_checkpoint_ms() const override { return coordinator_->last_completed_ms(); }
  LogClient* FindLog(const std::string& url) override;
  void RequestSavepoint(const std::string& name, SnapshotDone done) override;
  void RequestCheckpoint(SnapshotDone done) override;
  void RequestStop(const StopOptions& options) override;
  void RequestStop() { RequestStop(StopOptions()); }
  void Cancel() override;
  bool done() const override { return done_.HasBeenNotified(); }
  bool WaitForMs(int64_t ms) override { return done_.WaitForMs(ms); }
  // How it ended; valid once done().
  const Status& status() const override { return status_; }

  // Ends the slots; call after done (or to abandon the job) from the thread that called Start.
  Status Stop();

  // Restored, and all tasks have started: it takes records. Any thread.
  bool ready() const;
  // Monotonic time at which all input had been processed (until_end); 0 before.
  int64_t drained_ns() const { return drained_ns_.load(std::memory_order_acquire); }

  // TaskListener: any task's thread.
  void OnAck(TaskAck ack) override;
  void OnCommitted(int task, int64_t id) override;
  void OnCheckpointWanted() override;
  void OnEnded(int task) override;
  void OnFailed(int task, Status status) override;
  // SlotWork
  bool RunTurn() override;
  int64_t NextDeadlineNs() override;

 private:
  Job(const PhysicalPlan& plan, const Registry& registry, const Env& env, JobOptions options);
  Status Prepare();
  // Everything that the job writes, by log URL and topic.
  std::map<std::pair<std::string, std::string>, TopicSpec> OwnTopics() const;
  Status Reset();
  Status TakeTopics();
  StatusOr<LogClient*> OpenLog(const std::string& url);
  // Called by tasks as they open: one channel for each endpoint.
  StatusOr<std::shared_ptr<AgentChannel>> OpenAgent(const std::string& endpoint);
  void TriggerSources(const Barrier& barrier);
  void CountStart();
  void MaybeFinish();
  void TakeFinalSnapshot();
  void OnFinalSnapshot(Status status);
  // The final checkpoint is complete; the end waits for what it committed.
  void FinishCommitted();
  void Finish(Status status);
  bool RunPendingSnapshot();

  struct SnapshotRequest {
    SnapshotKind kind;
    std::string savepoint;
    SnapshotDone done;
  };

  const PhysicalPlan& plan_;
  const Registry& registry_;
  ScopedExecutor io_;  // I/O work refers to logs, storage and coordinator below
  ScopedExecutor background_;
  const Env env_;
  const JobOptions options_;
  MetricRegistry own_metrics_;
  MetricRegistry* const metrics_;
  std::map<std::string, std::unique_ptr<LogClient>> logs_;
  Guarded<std::map<std::string, std::shared_ptr<AgentChannel>>> agents_;  // by endpoint
  std::shared_ptr<CheckpointStorage> storage_;
  int64_t epoch_ = 0;
  RestorePoint point_;
  std::unique_ptr<TaskGraph> graph_;
  std::unique_ptr<Mailbox> mailbox_;
  std::unique_ptr<CheckpointCoordinator> coordinator_;
  std::vector<SnapshotRequest> requests_;
  std::vector<bool> ended_;
  std::vector<int64_t> committed_;  // by task: checkpoint whose commits are done
  std::string stop_savepoint_;
  Status final_status_;  // how the job ends when its final snapshot is complete
  std::atomic<bool> stopping_{false};
  bool final_ = false;  // the final snapshot is under way
  bool final_complete_ = false;
  bool finished_ = false;
  bool started_ = false;
  int64_t drain_deadline_ns_ = kNeverNs;
  bool drained_or_late_ = false;  // then the final snapshot comes as soon as it can
  std::atomic<int64_t> drained_ns_{0};
  Status status_;
  Notification done_;
};

}  // namespace weir
