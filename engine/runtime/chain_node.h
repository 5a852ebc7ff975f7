// One operator or source in its task: its context, its output, its state (DESIGN D4: this is all
// that an operator sees of the runtime).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/core/operator.h"
#include "engine/core/registry.h"
#include "engine/core/state_backend.h"
#include "engine/runtime/output_edge.h"
#include "engine/runtime/state_metrics.h"
#include "engine/runtime/timer_queue.h"

namespace weir {

// What a task lends to its nodes.
class TaskServices {
 public:
  virtual ~TaskServices() = default;
  virtual const Env& env() const = 0;
  virtual MailHandle mail() = 0;
  virtual MetricRegistry* metrics() = 0;
  virtual LogClient* log(const std::string& url) = 0;
  virtual StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string& endpoint) = 0;
  virtual void Fail(Status status) = 0;
  virtual void NodeEnded() = 0;
  virtual void WantCheckpoint() = 0;
};

struct NodeConfig {
  OperatorInfo info;
  int ports = 0;
  std::string log_url;
  std::unique_ptr<Operator> op;           // either an operator
  std::unique_ptr<Source> source;         // or a source
  std::unique_ptr<StateBackend> backend;  // null for stateless nodes
  std::vector<StatePiece> restored;
  bool is_restore = false;
  int64_t watermark = kNoTimestamp;  // restored
};

// Task thread only.
class ChainNode final : public OperatorContext, public Collector {
 public:
  ChainNode(NodeConfig config, TaskServices* services);

  // Wiring, before Open.
  void AddChained(int port, ChainNode* node, int input);
  void AddEdge(int port, std::unique_ptr<OutputEdge> edge);

  Status Open();  // children must be open
  // `bytes` is the batch's MemoryBytes.
  Status ProcessInput(int input, RecordBatch batch, size_t bytes);
  // Fires a slice of the timers that are due (D23); while firing() the rest waits for FireTimers.
  // Whatever reaches this node meanwhile is preceded by the rest.
  Status AdvanceWatermark(int64_t ms);
  bool firing() const { return firing_; }
  Status FireTimers();
  Status SetIdle(bool idle);
  Status EndInput();
  Status RunDueTimersAndWakes();
  StatusOr<Source::PollResult> Poll();  // of a source
  // Earliest monotonic time at which RunDueTimersAndWakes has something to do.
  int64_t NextDeadlineNs() const;
  bool CanAccept() { return op_ == nullptr || op_->CanAccept(); }
  void UpdateTime();
  // Sends what is spilled on; true when nothing is left.
  bool Drain();
  void EmitBarrier(const Barrier& barrier);

  Operator* op() { return op_.get(); }
  Source* source() { return source_.get(); }
  StateBackend* backend() { return backend_.get(); }
  bool ended() const { return ended_; }
  Counter* records_in() { return records_in_; }
  StateMetrics* state_metrics() { return state_metrics_.get(); }  // null for stateless nodes

  // OperatorContext
  const OperatorInfo& info() const override { return info_; }
  const Env& env() const override { return services_->env(); }
  TimerService* timers() override { return &timers_; }
  MailHandle mail() override { return services_->mail(); }
  int64_t watermark() const override { return watermark_; }
  MetricRegistry* metrics() override { return services_->metrics(); }
  MetricLabels labels() const override { return labels_; }
  LogClient* log() override { return services_->log(log_url_); }
  StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string& endpoint) override {
    return services_->Agent(endpoint);
  }
  void Fail(Status status) override {
    services_->Fail(WithPlace(std::move(status), info_.uid, info_.subtask));
  }
  void WakeAt(int64_t mono_ns) override { wake_at_ns_ = std::min(wake_at_ns_, mono_ns); }
  void WantCheckpoint() override { services_->WantCheckpoint(); }
  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override;

  // Collector
  void Emit(int port, RecordBatch batch) override;
  void EmitWatermark(int port, int64_t ms) override;
  void EmitIdle(int port, bool idle) override;
  void EmitEndOfInput() override;
  int ports() const override { return static_cast<int>(ports_.size()); }
  bool consumed(int port) const override {
    return !ports_[port].chained.empty() || !ports_[port].edges.empty();
  }

 private:
  struct Chained {
    ChainNode* node;
    int input;
  };
  struct Port {
    std::vector<Chained> chained;
    std::vector<std::unique_ptr<OutputEdge>> edges;
    int64_t watermark = kNoTimestamp;
    std::optional<bool> idle;  // nothing said yet
    Counter* records = nullptr;
    Counter* bytes = nullptr;
  };
  // Every call of user code: log lines and errors that come of it name the operator.
  template <typename F>
  Status Call(const F& f) {
    const LogScope scope(info_.uid, info_.subtask);
    BeginCall();
    Status status = f();
    return status.ok() ? status : WithPlace(std::move(status), info_.uid, info_.subtask);
  }
  void EmitTo(Port* port, RecordBatch batch, size_t bytes);
  // Fires at most `limit` event timers; passes the watermark on when none is left.
  Status FireUpTo(int64_t limit);
  Status FinishFiring() { return firing_ ? FireUpTo(INT64_MAX) : absl::OkStatus(); }
  // Collector calls cannot return errors: the first one fails the task.
  void Check(Status status) {
    if (!status.ok()) services_->Fail(std::move(status));
  }

  TaskServices* services_;
  OperatorInfo info_;
  MetricLabels labels_;
  std::string log_url_;
  std::unique_ptr<StateBackend> backend_;  // outlives the operator's handles
  std::unique_ptr<Operator> op_;
  std::unique_ptr<Source> source_;
  std::vector<StatePiece> restored_;
  bool is_restore_;
  std::vector<Port> ports_;
  TimerQueue timers_;
  int64_t watermark_ = kNoTimestamp;
  bool firing_ = false;  // timers at or below watermark_ are left, and it has not been passed on
  int64_t wake_at_ns_ = kNeverNs;
  size_t output_bytes_ = 0;  // of the call in progress
  bool ended_ = false;
  Counter* records_in_;
  Counter* batches_in_;
  Counter* bytes_in_;
  Gauge* watermark_gauge_;
  std::unique_ptr<StateMetrics> state_metrics_;  // of nodes with state
};

}  // namespace weir
