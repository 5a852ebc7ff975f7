// The one loop: a chain of operators, its inputs, its mailbox (DESIGN D2).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/mailbox.h"
#include "engine/runtime/chain_node.h"
#include "engine/runtime/input_gate.h"
#include "engine/runtime/task_events.h"
#include "engine/runtime/task_snapshot.h"
#include "engine/runtime/task_times.h"

namespace weir {

// Shared by all tasks of a job; not owned, outlives them.
struct JobServices {
  Env env;
  MetricRegistry* metrics = nullptr;
  std::shared_ptr<CheckpointStorage> storage;  // shared with segment writes on I/O threads
  TaskListener* listener = nullptr;
  int64_t slice_ns = 200'000;  // DESIGN section 2: sealed state is serialised this long at once
  std::function<LogClient*(const std::string& url)> log;
  std::function<StatusOr<std::shared_ptr<AgentChannel>>(const std::string& endpoint)> agent;
};

// A task is single-threaded and cooperative: RunTurn does a bounded amount of work and never
// blocks. In this order: mail, due timers, spilled output, checkpoint slices, then new input, and
// that only while nothing is spilled, no timer of the watermark is left and every operator can
// accept. Control input ignores the latter.
class Task final : public TaskServices {
 public:
  Task(int number, std::string name, std::vector<NodeConfig> nodes, std::shared_ptr<Waker> waker,
       const JobServices& services);
  ~Task() override;

  // Wiring, before the first turn.
  ChainNode* node(size_t i) { return nodes_[i].get(); }
  void SetInputs(std::vector<int> inputs, std::vector<bool> control,
                 std::vector<Channel*> channels);

  bool RunTurn();
  int64_t NextDeadlineNs();

  // From the job, any thread.
  void TriggerSnapshot(Barrier barrier);  // source tasks: injects the barrier
  void NotifyComplete(int64_t id);
  void Drain();
  // Ends the task: no further turn does anything. On the task's own thread, or after its slot
  // ended.
  void Close();

  const std::string& name() const { return name_; }
  bool is_source() const { return nodes_[0]->source() != nullptr; }
  // Its operators are open; a source has also said what it has to read. Any thread.
  bool started() const { return started_.load(std::memory_order_relaxed); }

  // TaskServices
  const Env& env() const override { return services_.env; }
  MailHandle mail() override { return mailbox_.handle(); }
  MetricRegistry* metrics() override { return services_.metrics; }
  LogClient* log(const std::string& url) override { return services_.log(url); }
  StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string& endpoint) override {
    return services_.agent(endpoint);
  }
  void Fail(Status status) override;
  void NodeEnded() override;
  void WantCheckpoint() override { services_.listener->OnCheckpointWanted(); }

 private:
  bool TurnWork();
  Status TakeTurn(bool* progress);
  void CountTurn(bool progress);
  Status Open();
  Status RunTimers(bool* progress);
  // A slice of the event timers that a watermark has made due; only while nothing is spilled.
  Status FireTimers(bool* progress);
  bool Firing() const;
  Status TakeInput(bool* progress);
  Status Handle(GateEvent event);
  Status BeginSnapshot(const Barrier& barrier);
  Status InjectBarrier();
  bool DrainOutputs();
  void ReclaimState();
  void ReportCommitted();
  bool Accepts();
  // Keeps state within its memory; true while there is more to do.
  bool SettleState();
  bool ContinueSpill(size_t node, int64_t budget_ns);

  const int number_;
  const std::string name_;
  JobServices services_;
  Mailbox mailbox_;
  std::vector<std::unique_ptr<ChainNode>> nodes_;        // parents before children
  std::vector<std::shared_ptr<SegmentWriter>> writers_;  // per node, null without state
  std::vector<bool> spilling_;                           // per node: a spill is being sealed
  std::optional<InputGate> gate_;
  std::shared_ptr<TaskSnapshot> snapshot_;
  std::optional<Barrier> waiting_barrier_;  // of a source that has not started yet
  bool opened_ = false;
  std::atomic<bool> started_{false};
  bool closed_ = false;
  int64_t committing_ = 0;  // a checkpoint whose commits have begun; 0 = none
  size_t ended_nodes_ = 0;
  uint32_t turns_ = 0;
  int64_t last_barrier_ = 0;
  std::vector<int64_t> reclaimed_at_;  // per node: records taken when state was last reclaimed
  int64_t turn_start_ns_ = 0;
  int64_t align_start_ns_ = 0;  // 0 while no barrier is being aligned
  int64_t gauges_at_ns_ = 0;
  bool blocked_ = false;  // in this turn input had to wait: for an output or for an operator
  TaskTimes times_;
  TaskSnapshotGauges snapshot_gauges_;
};

}  // namespace weir
