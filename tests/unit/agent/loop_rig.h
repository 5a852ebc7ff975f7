// Runs one agent loop alone: memory backend, directory log on a simulated disk, hand-driven mail
// and time, a scripted agent. The rule log comes back on input 1 when the test says so.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent_loop_plan.h"
#include "connectors/dirlog/directory_log.h"
#include "engine/base/mailbox.h"
#include "engine/base/random.h"
#include "engine/base/testing_env.h"
#include "engine/core/operator.h"
#include "engine/core/registry.h"
#include "engine/model/value.h"
#include "state/hot/hot_backend.h"

namespace weir {

struct LoopEvent {
  std::optional<std::string> src_ip;
  int64_t line = 0;
  int64_t count = 0;
  int64_t ts = -1;  // -1: line * 1000
  std::string user = "root";
  int split = 0;
};

SchemaPtr
LoopSchema();  // {line: int64, ts: timestamp, src_ip: string?, user: string, count: int64}

// Keeps what it is asked; answers when the test says so.
class ScriptedAgent : public AgentChannel {
 public:
  struct Asked {
    AgentRequest request;
    std::function<void(StatusOr<AgentReply>)> done;
  };
  void Decide(const AgentRequest& request, std::function<void(StatusOr<AgentReply>)> done) override;
  // Quarantine with a rule for the signature.
  static AgentReply Quarantine(const AgentRequest& request);
  static AgentReply Release(const AgentRequest& request);
  void Reply(size_t i, StatusOr<AgentReply> reply) { asked.at(i).done(std::move(reply)); }
  void Quarantine(size_t i) { Reply(i, Quarantine(asked.at(i).request)); }
  void Release(size_t i) { Reply(i, Release(asked.at(i).request)); }
  // Requests by id.
  std::map<std::string, int> CallsById() const;

  bool automatic = false;  // quarantines at once
  std::vector<Asked> asked;
};

// Options as "agent.order" -> text; list items separated by ','.
using LoopOptions = std::map<std::string, std::string>;
LoopOptions DefaultLoopOptions();

class LoopErrors : public PlanErrors {
 public:
  void Add(std::string_view option, const Status& status) override {
    texts.push_back(std::string(option) + ": " + FormatError(status));
  }
  std::vector<std::string> texts;
};
std::optional<OperatorPlan> PlanLoop(const LoopOptions& options, LoopErrors* errors);

class LoopRig : public OperatorContext, public Collector {
 public:
  static constexpr int kFast = 0, kDecisions = 1, kBlocked = 2, kActions = 3;

  // What a checkpoint holds.
  struct Saved {
    SealedState state;
    std::vector<StatePiece> pieces;
    int64_t watermark = kNoTimestamp;
    size_t rules_read = 0;
  };

  explicit LoopRig(const LoopOptions& changes = {});
  ~LoopRig() override;

  void Send(const std::vector<LoopEvent>& events);
  void SendBatch(RecordBatch batch);
  void Watermark(int64_t ms);
  // I/O and mail until neither is left; never the rule log.
  void Run();
  // Delivers what the rule log holds beyond what was delivered; returns how many lines.
  size_t DeliverRules();
  // Run and DeliverRules until neither does anything.
  void Settle();
  void AdvanceMs(int64_t ms);  // and wakes the operator if it asked for it

  Saved Checkpoint();
  // The process dies; the disk keeps what is synced. Starts again from `saved`, or anew.
  void Crash(const Saved* saved);

  std::vector<std::string> Take(int port);
  std::vector<std::string> LogLines(const std::string& suffix);
  int64_t Metric(const std::string& name, const std::string& reason = "") const;
  Operator* op() { return operator_.get(); }

  ScriptedAgent* agent() { return agent_.get(); }
  TestEnv env_;
  std::map<int, int64_t> watermarks;
  std::map<int, bool> idle;
  bool ended = false;
  int overtaken = 0;  // results behind a later watermark than their event saw
  std::optional<Status> failed;
  int parallelism = 1;

  // OperatorContext.
  StatusOr<StateTable*> OpenTable(const StateDescriptor& d) override {
    return backend_->OpenTable(d);
  }
  const OperatorInfo& info() const override { return info_; }
  const Env& env() const override { return env_.env(); }
  TimerService* timers() override { return nullptr; }
  MailHandle mail() override { return mailbox_->handle(); }
  int64_t watermark() const override { return watermark_; }
  MetricRegistry* metrics() override { return &metrics_; }
  MetricLabels labels() const override { return {}; }
  LogClient* log() override { return log_.get(); }
  StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string&) override { return agent_; }
  void Fail(Status status) override {
    if (!failed) failed = std::move(status);
  }
  void WakeAt(int64_t mono_ns) override { wake_at_ns_ = std::min(wake_at_ns_, mono_ns); }

  // Collector.
  void Emit(int port, RecordBatch batch) override;
  void EmitWatermark(int port, int64_t ms) override;
  void EmitIdle(int port, bool is_idle) override { idle[port] = is_idle; }
  void EmitEndOfInput() override { ended = true; }
  int ports() const override { return 4; }

 private:
  void Start(const Saved* saved);
  std::vector<std::string> ReadTopic(const std::string& topic);

  OperatorPlan plan_;
  KeySelector selector_;
  OperatorInfo info_;
  MetricRegistry metrics_;
  std::shared_ptr<ScriptedAgent> agent_ = std::make_shared<ScriptedAgent>();
  std::unique_ptr<LogClient> log_;
  std::unique_ptr<HotStateBackend> backend_;
  std::unique_ptr<Mailbox> mailbox_;
  std::unique_ptr<Operator> operator_;
  std::map<int, std::vector<std::string>> rows_;
  int64_t watermark_ = kNoTimestamp;
  std::map<int64_t, int64_t> arrived_at_;  // line -> input watermark
  int64_t wake_at_ns_ = INT64_MAX;
  size_t rules_delivered_ = 0;
  Random random_{7};  // what a crash leaves of unsynced writes
  int64_t checkpoint_ = 0;
};

}  // namespace weir
