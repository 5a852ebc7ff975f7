// The contract of operators (DESIGN D1, D2, D4). An operator sees its context and its output, never
// the runtime. All calls come from one thread, the task's; none may block.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/mailbox.h"
#include "engine/base/metrics.h"
#include "engine/base/status.h"
#include "engine/core/agent_channel.h"
#include "engine/core/log_client.h"
#include "engine/core/state.h"
#include "engine/model/element.h"
#include "engine/model/key.h"
#include "engine/model/record_batch.h"

namespace weir {

struct OperatorInfo {
  std::string job;
  std::string uid;   // stable address of the operator's state
  std::string name;  // as the topology calls it
  int subtask = 0;
  int parallelism = 1;
  int max_parallelism = 128;
  KeyGroupRange key_groups;
  int64_t epoch = 0;  // the job's incarnation (D9)
};

// Where an operator's results go. `port` is the index of the output that its plan declared.
class Collector {
 public:
  virtual ~Collector() = default;
  // Never blocks (D23). The batch must have the port's schema and filled hidden columns.
  virtual void Emit(int port, RecordBatch batch) = 0;
  // Forwards a watermark; one that is not above the port's last is dropped.
  virtual void EmitWatermark(int port, int64_t ms) = 0;
  virtual void EmitIdle(int port, bool idle) = 0;
  // This operator has nothing pending any more; may be called once per OnEndOfInput, also later.
  virtual void EmitEndOfInput() = 0;
  virtual int ports() const = 0;
  // False if `port` leads nowhere: an operator need not build rows for it. Constant from Open on.
  virtual bool consumed(int /*port*/) const { return true; }
};

enum class TimeDomain : uint8_t { kEventTime, kProcessingTime };

struct Timer {
  TimeDomain domain;
  int64_t at_ms;
  uint16_t key_group;
  std::string key;    // canonical key bytes
  std::string space;  // namespace chosen by the operator
  // 0, or which of the key's timers it is that were registered when their time had passed already:
  // one of the same name may have fired before it.
  uint32_t late = 0;
  KeyRef key_ref() const { return KeyRef{key_group, HashBytes(key), key}; }
};

// Timers by (domain, key, space, time): registering twice fires once, deleting an absent one does
// nothing (mission E-T2). Part of the checkpoint. An event timer fires when the watermark is >= its
// time, a processing timer at or after its time.
class TimerService {
 public:
  virtual ~TimerService() = default;
  virtual void Register(TimeDomain domain, const KeyRef& key, std::string_view space,
                        int64_t at_ms) = 0;
  virtual void Delete(TimeDomain domain, const KeyRef& key, std::string_view space,
                      int64_t at_ms) = 0;
};

// What an operator may use besides its input. Valid from Open until the operator is destroyed.
class OperatorContext : public StateOpener {
 public:
  virtual const OperatorInfo& info() const = 0;
  virtual const Env& env() const = 0;     // clock, io; never the scheduler
  virtual TimerService* timers() = 0;     // keyed operators only
  virtual MailHandle mail() = 0;          // runs a function on the task's thread
  virtual int64_t watermark() const = 0;  // of the input; kNoTimestamp before any
  virtual MetricRegistry* metrics() = 0;
  virtual MetricLabels labels() const = 0;  // job, operator, subtask
  virtual LogClient* log() = 0;
  virtual StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string& endpoint) = 0;
  // Fails the task, and with it the job, from a mail or callback.
  virtual void Fail(Status status) = 0;
  // Asks for a call of Operator::OnWake at or after this monotonic time (the earliest one wins).
  virtual void WakeAt(int64_t mono_ns) = 0;
  // For RecordWriter: how many writers of this port were made before in this call.
  uint32_t NextWriter(int port) const {
    if (writers_.size() <= static_cast<size_t>(port))
      writers_.resize(static_cast<size_t>(port) + 1);
    return writers_[static_cast<size_t>(port)]++;
  }
  // Asks for a checkpoint soon, not waiting for the interval: something grows until one completes.
  virtual void WantCheckpoint() {}

 protected:
  // Before each call of the operator.
  void BeginCall() { std::fill(writers_.begin(), writers_.end(), 0); }

 private:
  mutable std::vector<uint32_t> writers_;
};

// Named bytes beside keyed state: offsets of splits, positions of writers. After a restore every
// subtask gets the pieces of all subtasks of its operator and takes what is its own.
struct StatePiece {
  std::string name;
  std::string bytes;
};

// One operator's part in one checkpoint. Finish exactly once, on the task's thread, at once or when
// outstanding writes are durable; the checkpoint waits for it, the task does not.
class SnapshotPart {
 public:
  virtual ~SnapshotPart() = default;
  virtual int64_t checkpoint() const = 0;
  virtual SnapshotKind kind() const = 0;
  virtual void Add(StatePiece piece) = 0;
  virtual void Finish(Status status) = 0;
};

// Implement Process; the rest has defaults. Any returned error fails the job (a bad record is no
// error: send it to a side output).
class Operator {
 public:
  virtual ~Operator() = default;
  // Before anything else; state is restored. Keep both pointers.
  virtual Status Open(OperatorContext* context, Collector* out) {
    context_ = context;
    out_ = out;
    return absl::OkStatus();
  }
  // Non-keyed state of the checkpoint that the job restores from; after Open, before any input.
  // Not called on a fresh start.
  virtual Status Restore(const std::vector<StatePiece>& /*pieces*/) { return absl::OkStatus(); }
  virtual Status Process(int input, RecordBatch batch) = 0;
  // While false no more input is given: back-pressure. Call context()->mail() to be looked at
  // again.
  virtual bool CanAccept() { return true; }
  // Timers at or below `ms` have fired. The default forwards it on every port.
  virtual Status OnWatermark(int64_t ms) {
    for (int p = 0; p < out_->ports(); ++p) out_->EmitWatermark(p, ms);
    return absl::OkStatus();
  }
  virtual Status OnIdle(bool idle) {
    for (int p = 0; p < out_->ports(); ++p) out_->EmitIdle(p, idle);
    return absl::OkStatus();
  }
  virtual Status OnTimer(const Timer& /*timer*/) { return absl::OkStatus(); }
  virtual Status OnWake() { return absl::OkStatus(); }
  // Everything there is has been processed; call out->EmitEndOfInput() when nothing is pending.
  virtual Status OnEndOfInput() {
    out_->EmitEndOfInput();
    return absl::OkStatus();
  }
  // At the barrier; keyed state is sealed right after this returns.
  virtual Status Snapshot(const std::shared_ptr<SnapshotPart>& part) {
    part->Finish(absl::OkStatus());
    return absl::OkStatus();
  }
  // Checkpoint `id` is durable and complete. May be skipped; implies all earlier ones (E-C4).
  virtual void OnCheckpointComplete(int64_t /*id*/) {}
  // False while what OnCheckpointComplete began is under way; after its last checkpoint the job
  // waits for it.
  virtual bool Committed() { return true; }

 protected:
  OperatorContext* context() { return context_; }
  Collector* out() { return out_; }

 private:
  OperatorContext* context_ = nullptr;
  Collector* out_ = nullptr;
};

// A source's subtask. Same thread rule; Poll never blocks.
class Source {
 public:
  virtual ~Source() = default;
  virtual Status Open(OperatorContext* context, Collector* out) = 0;
  // Empty on a fresh start.
  virtual Status Restore(const std::vector<StatePiece>& pieces) = 0;
  enum class PollResult { kMore, kWait };  // kWait: a mail or WakeAt will come
  // Emits at most about one batch.
  virtual StatusOr<PollResult> Poll() = 0;
  virtual Status OnWake() { return absl::OkStatus(); }
  // True once it has said on every port, by EmitIdle, whether it has anything to read. Consumers
  // take no data before that, and no barrier goes out.
  virtual bool Started() { return true; }
  virtual Status Snapshot(const std::shared_ptr<SnapshotPart>& part) = 0;
  virtual void OnCheckpointComplete(int64_t /*id*/) {}
  // SIGTERM: read no more; what was emitted is all there is. Must lead to EmitEndOfInput.
  virtual void Drain() = 0;
};

}  // namespace weir
