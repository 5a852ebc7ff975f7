// What OperatorHarness is made of: a topology around one operator, its subtasks, what they emit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/mailbox.h"
#include "engine/base/testing_env.h"
#include "engine/plan/load.h"
#include "engine/runtime/chain_node.h"
#include "weir/testing.h"

namespace weir {

struct HarnessSnapshot::Content {
  struct Subtask {
    SealedState state;
    std::vector<StatePiece> pieces;
  };
  int max_parallelism = 0;
  std::vector<Subtask> subtasks;
  int64_t watermark = kNoTimestamp;
};

// One thing that a port has said.
struct HarnessOutput {
  int subtask = 0;
  std::optional<RecordBatch> batch;
  std::string mark;  // "watermark 5000", "idle", "active", "end"; "" with a batch
};

// Per port, in order of emission over all subtasks.
struct HarnessOutputs {
  std::vector<std::vector<HarnessOutput>> ports;
  std::vector<std::vector<int64_t>> watermarks;  // [port][subtask]
};

// A job of sources and the one operator, so that the real planner judges it.
std::string HarnessTopology(const OperatorHarness::Setup& setup);
// The operator's type, JSON, the directory log, the memory backend.
StatusOr<Registry> HarnessRegistry(const OperatorType& type);

// The test environment's executor, with the times at which delayed work is due.
class NotingExecutor : public Executor {
 public:
  explicit NotingExecutor(TestEnv* env) : env_(env) {}
  void Submit(std::function<void()> work) override { env_->io.Submit(std::move(work)); }
  void SubmitAfter(int64_t delay_ms, std::function<void()> work) override {
    due_ns_.insert(env_->clock.MonoNs() + std::max<int64_t>(0, delay_ms) * 1'000'000);
    env_->io.SubmitAfter(delay_ms, std::move(work));
  }
  // The next one after now; kNeverNs without.
  int64_t NextDueNs() {
    due_ns_.erase(due_ns_.begin(), due_ns_.upper_bound(env_->clock.MonoNs()));
    return due_ns_.empty() ? kNeverNs : *due_ns_.begin();
  }

 private:
  TestEnv* env_;
  std::multiset<int64_t> due_ns_;
};

// Everything that the subtasks share. Outlives them.
struct HarnessWorld {
  HarnessWorld() : io(&test_env), env(test_env.env()) { env.io = &io; }
  TestEnv test_env;
  NotingExecutor io;
  Env env;
  MetricRegistry metrics;
  std::unique_ptr<LogClient> log;
  std::shared_ptr<AgentChannel> agent;
};

// One subtask: the engine's node around the operator, with a recorder on every port.
class HarnessSubtask : public TaskServices {
 public:
  HarnessSubtask(const LogicalNode& node, OperatorInfo info, std::unique_ptr<Operator> op,
                 HarnessWorld* world, HarnessOutputs* outputs);
  ~HarnessSubtask() override;

  // Feed restored state first.
  StateBackend* backend() { return backend_; }
  void SetRestored(std::vector<StatePiece> pieces, int64_t watermark);
  Status Open();

  Status Process(int input, RecordBatch batch);
  Status AdvanceWatermark(int64_t ms);
  Status SetIdle(bool idle) { return After(node_->SetIdle(idle)); }
  Status EndInput() { return After(node_->EndInput()); }
  Status RunDue();
  int64_t NextDeadlineNs() const { return node_->NextDeadlineNs(); }
  // Mail that has come; true if there was any.
  StatusOr<bool> RunMail();
  StatusOr<HarnessSnapshot::Content::Subtask> Snapshot(int64_t id,
                                                       const std::function<void()>& settle);
  void ReclaimExpired();

  size_t StateSize(const std::string& name) const;

  const Env& env() const override { return world_->env; }
  MailHandle mail() override { return mailbox_.handle(); }
  MetricRegistry* metrics() override { return &world_->metrics; }
  LogClient* log(const std::string&) override { return world_->log.get(); }
  StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string& endpoint) override;
  void Fail(Status status) override;
  void NodeEnded() override {}
  void WantCheckpoint() override {}

 private:
  // The call's status, or what the operator said through Fail.
  Status After(const Status& status);

  HarnessWorld* world_;
  Mailbox mailbox_;
  Status failed_;
  StateBackend* backend_ = nullptr;
  std::map<std::string, StateTable*> tables_;
  NodeConfig config_;  // until Open
  std::vector<std::unique_ptr<ChainNode>> recorders_;
  std::unique_ptr<ChainNode> node_;
};

}  // namespace weir
