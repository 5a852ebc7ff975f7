#include "engine/testing/harness_parts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connectors/dirlog/directory_log.h"
#include "connectors/format/formats.h"
#include "state/hot/hot_backend.h"

namespace weir {
namespace {

constexpr int kEndless = 100'000;  // slices of one step

class NoWaker : public Waker {
 public:
  void Wake() override {}  // the harness looks at the mailbox after each step
};

// The memory backend, remembering its tables by name.
class WatchedBackend : public StateBackend {
 public:
  WatchedBackend(const Clock* clock, std::map<std::string, StateTable*>* tables)
      : backend_(clock), tables_(tables) {}
  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override {
    WEIR_ASSIGN_OR_RETURN(StateTable * table, backend_.OpenTable(descriptor));
    (*tables_)[descriptor.name] = table;
    return table;
  }
  void SetTime(int64_t now_ms, int64_t watermark) override { backend_.SetTime(now_ms, watermark); }
  void Seal(int64_t n, bool full) override { backend_.Seal(n, full); }
  bool WriteSlice(int64_t budget_ns) override { return backend_.WriteSlice(budget_ns); }
  SealedState TakeSealed() override { return backend_.TakeSealed(); }
  Status Restore(const SealedTable& header, const StateRecord& record) override {
    return backend_.Restore(header, record);
  }
  std::vector<std::string> UnopenedTables() const override { return backend_.UnopenedTables(); }
  size_t ReclaimExpired() override { return backend_.ReclaimExpired(); }
  size_t memory_bytes() const override { return backend_.memory_bytes(); }

 private:
  HotStateBackend backend_;
  std::map<std::string, StateTable*>* tables_;
};

// What the contract of Collector::Emit asks of a batch; "" if it is kept.
std::string BrokenRule(const RecordBatch& batch, const OutputPort& port) {
  const size_t rows = batch.rows();
  if (!(*batch.schema() == *port.schema)) {
    return absl::StrCat("its schema is ", batch.schema()->ToString(), ", the plan says ",
                        port.schema->ToString());
  }
  for (int c = 0; c < batch.width(); ++c) {
    const Field& field = batch.schema()->field(c);
    const Column& column = batch.column(c);
    if (column.size() != rows) {
      return absl::StrCat("column '", field.name, "' has ", column.size(), " rows, event_time ",
                          rows);
    }
    if (!field.nullable && column.has_nulls()) {
      return absl::StrCat("column '", field.name, "' holds a null, its type allows none");
    }
  }
  if (batch.origin.size() != rows || batch.emit.size() != rows) {
    return "its hidden columns event_time, origin and emit differ in length";
  }
  const bool keyed = batch.key_group.size() == rows && batch.key_hash.size() == rows;
  if (!keyed && !(batch.key_group.empty() && batch.key_hash.empty())) {
    return "key_group and key_hash have neither all rows nor none";
  }
  return rows > kMaxBatchRows ? absl::StrCat("it has ", rows, " rows, at most 4096 are allowed")
                              : "";
}

// Stands behind one port of one subtask.
class Recorder : public Operator {
 public:
  Recorder(int subtask, int port, const OutputPort& plan, HarnessOutputs* outputs)
      : subtask_(subtask), port_(static_cast<size_t>(port)), plan_(plan), outputs_(outputs) {}
  Status Process(int, RecordBatch batch) override {
    const std::string broken = BrokenRule(batch, plan_);
    if (!broken.empty()) {
      return Err(ErrorCode::kOperatorFailed,
                 absl::StrCat("output '", plan_.name, "' (port ", port_,
                              "): the operator emits a batch that breaks the rules: ", broken));
    }
    outputs_->ports[port_].push_back({subtask_, std::move(batch), ""});
    return absl::OkStatus();
  }
  Status OnWatermark(int64_t ms) override {
    outputs_->watermarks[port_][static_cast<size_t>(subtask_)] = ms;
    return Mark(absl::StrCat("watermark ", ms));
  }
  Status OnIdle(bool idle) override { return Mark(idle ? "idle" : "active"); }
  Status OnEndOfInput() override { return Mark("end"); }

 private:
  Status Mark(std::string text) {
    outputs_->ports[port_].push_back({subtask_, std::nullopt, std::move(text)});
    return absl::OkStatus();
  }
  int subtask_;
  size_t port_;
  OutputPort plan_;
  HarnessOutputs* outputs_;
};

class Part : public SnapshotPart {
 public:
  explicit Part(int64_t id) : id_(id) {}
  int64_t checkpoint() const override { return id_; }
  SnapshotKind kind() const override { return SnapshotKind::kCheckpoint; }
  void Add(StatePiece piece) override { pieces.push_back(std::move(piece)); }
  void Finish(Status status) override {
    WEIR_CHECK(!finished.has_value(), "an operator finished its snapshot twice");
    finished = std::move(status);
  }
  std::vector<StatePiece> pieces;
  std::optional<Status> finished;

 private:
  int64_t id_;
};

}  // namespace

std::string HarnessTopology(const OperatorHarness::Setup& setup) {
  std::string yaml =
      absl::StrCat("weir: 1\njob: { name: harness, parallelism: ", setup.parallelism,
                   ", max_parallelism: ", setup.max_parallelism, " }\nlog: dir:log\nsources:\n");
  std::vector<std::string> names;
  for (size_t i = 0; i < setup.inputs.size(); ++i) {
    const OperatorHarness::Input& input = setup.inputs[i];
    names.push_back(absl::StrCat("input", i));
    absl::StrAppend(&yaml, "  ", names.back(), ": { topic: ", names.back(),
                    ", format: json, on_error: fail, schema: ", input.schema);
    if (!input.event_time.empty()) {
      absl::StrAppend(&yaml, ", event_time: { field: ", input.event_time, " }");
    }
    yaml += " }\n";
  }
  absl::StrAppend(&yaml, "operators:\n  - name: operator\n    type: ", setup.type.name,
                  "\n    input: [");
  for (size_t i = 0; i < names.size(); ++i) absl::StrAppend(&yaml, i > 0 ? ", " : "", names[i]);
  yaml += "]\n";
  for (const auto line : absl::StrSplit(setup.options, '\n')) {
    if (!line.empty()) absl::StrAppend(&yaml, "    ", line, "\n");
  }
  return yaml;
}

StatusOr<Registry> HarnessRegistry(const OperatorType& type) {
  Registry registry;
  WEIR_RETURN_IF_ERROR(registry.AddOperator(type));
  WEIR_RETURN_IF_ERROR(registry.AddFormat(JsonFormat()));
  WEIR_RETURN_IF_ERROR(registry.AddLog(DirectoryLogType()));
  WEIR_RETURN_IF_ERROR(registry.AddStateBackend(
      {"memory",
       [](const Env& env, const StateBackendConfig&) -> StatusOr<std::unique_ptr<StateBackend>> {
         return std::make_unique<HotStateBackend>(env.clock);
       }}));
  return registry;
}

HarnessSubtask::HarnessSubtask(const LogicalNode& node, OperatorInfo info,
                               std::unique_ptr<Operator> op, HarnessWorld* world,
                               HarnessOutputs* outputs)
    : world_(world), mailbox_(std::make_shared<NoWaker>()) {
  const int ports = static_cast<int>(node.outputs.size());
  for (int port = 0; port < ports; ++port) {
    NodeConfig recorder;
    recorder.info = info;
    recorder.info.name = absl::StrCat(info.name, "#", port);
    recorder.op = std::make_unique<Recorder>(info.subtask, port,
                                             node.outputs[static_cast<size_t>(port)], outputs);
    recorders_.push_back(std::make_unique<ChainNode>(std::move(recorder), this));
  }
  config_.info = std::move(info);
  config_.ports = ports;
  config_.op = std::move(op);
  if (!node.op.stateful) return;
  config_.backend = std::make_unique<WatchedBackend>(world->env.clock, &tables_);
  backend_ = config_.backend.get();
}

HarnessSubtask::~HarnessSubtask() { mailbox_.Close(); }

void HarnessSubtask::SetRestored(std::vector<StatePiece> pieces, int64_t watermark) {
  config_.restored = std::move(pieces);
  config_.is_restore = true;
  config_.watermark = watermark;
}

Status HarnessSubtask::Open() {
  node_ = std::make_unique<ChainNode>(std::move(config_), this);
  for (size_t port = 0; port < recorders_.size(); ++port) {
    WEIR_RETURN_IF_ERROR(recorders_[port]->Open());
    node_->AddChained(static_cast<int>(port), recorders_[port].get(), 0);
  }
  return After(node_->Open());
}

Status HarnessSubtask::Process(int input, RecordBatch batch) {
  node_->UpdateTime();
  if (!node_->CanAccept()) {
    return Err(ErrorCode::kOperatorFailed, "the operator does not accept input (CanAccept)",
               "advance the time or complete what it waits for, then send again");
  }
  const size_t bytes = batch.MemoryBytes();
  return After(node_->ProcessInput(input, std::move(batch), bytes));
}

Status HarnessSubtask::AdvanceWatermark(int64_t ms) {
  WEIR_RETURN_IF_ERROR(After(node_->AdvanceWatermark(ms)));
  for (int slices = 0; node_->firing(); ++slices) {
    WEIR_CHECK(slices < kEndless, "event timers register event timers without end");
    WEIR_RETURN_IF_ERROR(After(node_->FireTimers()));
  }
  return absl::OkStatus();
}

Status HarnessSubtask::RunDue() {
  node_->UpdateTime();
  for (int slices = 0; node_->NextDeadlineNs() <= env().clock->MonoNs(); ++slices) {
    WEIR_CHECK(slices < kEndless, "timers or wake-ups ask for more of them without end");
    WEIR_RETURN_IF_ERROR(After(node_->RunDueTimersAndWakes()));
  }
  return absl::OkStatus();
}

StatusOr<bool> HarnessSubtask::RunMail() {
  node_->UpdateTime();
  const bool any = mailbox_.RunAll() > 0;
  WEIR_RETURN_IF_ERROR(After(absl::OkStatus()));
  return any;
}

StatusOr<HarnessSnapshot::Content::Subtask> HarnessSubtask::Snapshot(
    int64_t id, const std::function<void()>& settle) {
  const auto part = std::make_shared<Part>(id);
  WEIR_RETURN_IF_ERROR(After(node_->op()->Snapshot(part)));
  HarnessSnapshot::Content::Subtask result;
  if (backend_ != nullptr) {
    backend_->Seal(id, true);
    while (!backend_->WriteSlice(1'000'000)) {
    }
    result.state = backend_->TakeSealed();
  }
  settle();
  if (!part->finished.has_value()) {
    return Err(ErrorCode::kOperatorFailed, "the operator has not finished its SnapshotPart",
               "every call of Snapshot must lead to part->Finish(status)");
  }
  WEIR_RETURN_IF_ERROR(*part->finished);
  result.pieces = std::move(part->pieces);
  node_->op()->OnCheckpointComplete(id);
  return result;
}

void HarnessSubtask::ReclaimExpired() {
  if (backend_ == nullptr) return;
  size_t entries = 0;
  for (const auto& [name, table] : tables_) entries += table->size();
  // One call looks at a bounded part; a round over everything takes at most this many.
  for (size_t i = 0; i <= entries / 64 + tables_.size(); ++i) backend_->ReclaimExpired();
}

size_t HarnessSubtask::StateSize(const std::string& name) const {
  const auto it = tables_.find(name);
  return it == tables_.end() ? 0 : it->second->size();
}

StatusOr<std::shared_ptr<AgentChannel>> HarnessSubtask::Agent(const std::string& endpoint) {
  if (world_->agent != nullptr) return world_->agent;
  return Err(ErrorCode::kUnsupported,
             absl::StrCat("no agent for '", endpoint, "': the harness was set up without one"));
}

void HarnessSubtask::Fail(Status status) {
  if (failed_.ok()) failed_ = std::move(status);
}

Status HarnessSubtask::After(const Status& status) {
  WEIR_RETURN_IF_ERROR(status);
  return failed_;
}

}  // namespace weir
