#include "tests/unit/agent/loop_rig.h"

#include "absl/strings/str_split.h"

namespace weir {

namespace {

class NoWaker : public Waker {
 public:
  void Wake() override {}
};

class Part : public SnapshotPart {
 public:
  explicit Part(int64_t id) : id_(id) {}
  int64_t checkpoint() const override { return id_; }
  SnapshotKind kind() const override { return SnapshotKind::kCheckpoint; }
  void Add(StatePiece piece) override { pieces.push_back(std::move(piece)); }
  void Finish(Status status) override { finished = std::move(status); }
  std::vector<StatePiece> pieces;
  std::optional<Status> finished;

 private:
  int64_t id_;
};

OptionValue ParseOption(const OptionDef& def, const std::string& text) {
  OptionValue value;
  const std::vector<std::string> items =
      text.empty() ? std::vector<std::string>() : absl::StrSplit(text, ',');
  if (def.type == OptionType::kStringList) {
    value.list = items;
  } else if (def.type == OptionType::kStringMap) {
    for (const std::string& item : items) {
      const std::vector<std::string> pair = absl::StrSplit(item, ':');
      value.entries.emplace_back(pair.at(0), pair.at(1));
    }
  } else {
    value = Options::ParseScalar(def, text).value();
  }
  return value;
}

// The options of one table, whose names in `texts` begin with `prefix`.
Options ParseTable(const std::vector<OptionDef>& defs, const LoopOptions& texts,
                   const std::string& prefix) {
  Options options;
  for (const OptionDef& def : defs) {
    if (def.type == OptionType::kTable) {
      OptionValue value;
      value.table =
          std::make_shared<Options>(ParseTable(def.table, texts, prefix + def.name + "."));
      options.Set(def.name, std::move(value));
      continue;
    }
    const auto it = texts.find(prefix + def.name);
    if (it != texts.end()) options.Set(def.name, ParseOption(def, it->second));
  }
  WEIR_CHECK(options.FillDefaults(defs).ok());
  return options;
}

}  // namespace

SchemaPtr LoopSchema() {
  static const SchemaPtr schema = MakeSchema({{"line", Type{TypeKind::kInt64, {}}, false},
                                              {"ts", Type{TypeKind::kTimestamp, {}}, false},
                                              {"src_ip", Type{TypeKind::kString, {}}, true},
                                              {"user", Type{TypeKind::kString, {}}, false},
                                              {"count", Type{TypeKind::kInt64, {}}, false}});
  return schema;
}

void ScriptedAgent::Decide(const AgentRequest& request,
                           std::function<void(StatusOr<AgentReply>)> done) {
  asked.push_back({request, done});
  if (automatic) done(Quarantine(request));
}

AgentReply ScriptedAgent::Quarantine(const AgentRequest& request) {
  AgentReply reply;
  reply.request_id = request.request_id;
  reply.verdict = "quarantine";
  reply.reason = "seen too often";
  reply.agent = "script/1";
  RuleProposal rule;
  rule.action = "block";
  reply.rules.push_back(rule);
  return reply;
}

AgentReply ScriptedAgent::Release(const AgentRequest& request) {
  AgentReply reply;
  reply.request_id = request.request_id;
  reply.verdict = "release";
  reply.agent = "script/1";
  return reply;
}

std::map<std::string, int> ScriptedAgent::CallsById() const {
  std::map<std::string, int> calls;
  for (const Asked& a : asked) ++calls[a.request.request_id];
  return calls;
}

LoopOptions DefaultLoopOptions() {
  return {{"signature", "src_ip"},
          {"id", "line"},
          {"escalate_when", "count >= 5"},
          {"carry", "line,ts,src_ip"},
          {"mask", "src_ip:keep,count:keep,user:hmac"}};
}

std::optional<OperatorPlan> PlanLoop(const LoopOptions& texts, LoopErrors* errors) {
  static const OperatorType type = MakeAgentLoopType();
  const Options options = ParseTable(type.options, texts, "");
  OperatorPlanContext context;
  context.job = "job";
  context.name = "guard";
  context.uid = "guard";
  context.id_key = "secret";
  context.options = &options;
  context.errors = errors;
  context.inputs.push_back({"in", LoopSchema(), 1});
  return type.plan(context);
}

LoopRig::LoopRig(const LoopOptions& changes) {
  LoopOptions options = DefaultLoopOptions();
  for (const auto& [name, text] : changes) options[name] = text;
  LoopErrors errors;
  std::optional<OperatorPlan> plan = PlanLoop(options, &errors);
  WEIR_CHECK(plan.has_value(), errors.texts.empty() ? "no plan" : errors.texts[0]);
  plan_ = *std::move(plan);
  selector_ = KeySelector::Create(*LoopSchema(), plan_.key).value();
  info_.job = "job";
  info_.uid = info_.name = "guard";
  info_.key_groups = {0, 128};
  Start(nullptr);
}

LoopRig::~LoopRig() {
  if (mailbox_ != nullptr) mailbox_->Close();
}

void LoopRig::Start(const Saved* saved) {
  ++info_.epoch;
  log_ = NewDirectoryLog(env_.env(), "log");
  mailbox_ = std::make_unique<Mailbox>(std::make_shared<NoWaker>());
  backend_ = std::make_unique<HotStateBackend>(&env_.clock);
  if (saved != nullptr) {
    for (const SealedTable& table : saved->state.tables) {
      WEIR_CHECK(ForEachStateRecord(table.bytes, [&](const StateRecord& record) {
                   return backend_->Restore(table, record);
                 }).ok());
    }
  }
  watermark_ = saved != nullptr ? saved->watermark : kNoTimestamp;
  rules_delivered_ = saved != nullptr ? saved->rules_read : 0;
  backend_->SetTime(env_.clock.NowMs(), watermark_);
  operator_ = plan_.create().value();
  Status status = operator_->Open(this, this);
  WEIR_CHECK(status.ok(), FormatError(status));
  if (saved != nullptr) {
    status = operator_->Restore(saved->pieces);
    WEIR_CHECK(status.ok(), FormatError(status));
  }
  Run();
}

void LoopRig::Send(const std::vector<LoopEvent>& events) {
  RecordBatch batch(LoopSchema());
  for (const LoopEvent& e : events) {
    const int64_t ts = e.ts >= 0 ? e.ts : e.line * 1000;
    batch.column(0).AppendInt(e.line);
    batch.column(1).AppendInt(ts);
    if (e.src_ip) {
      batch.column(2).AppendString(*e.src_ip);
    } else {
      batch.column(2).AppendNull();
    }
    batch.column(3).AppendString(e.user);
    batch.column(4).AppendInt(e.count);
    batch.AppendMeta(ts, Origin{0, e.split, e.line}, 0);
    arrived_at_[e.line] = watermark_;
  }
  SendBatch(std::move(batch));
}

void LoopRig::SendBatch(RecordBatch batch) {
  selector_.Assign(&batch, 128);
  backend_->SetTime(env_.clock.NowMs(), watermark_);
  WEIR_CHECK(operator_->CanAccept(), "the operator does not accept input");
  const Status status = operator_->Process(0, std::move(batch));
  WEIR_CHECK(status.ok(), FormatError(status));
}

void LoopRig::Watermark(int64_t ms) {
  watermark_ = ms;
  backend_->SetTime(env_.clock.NowMs(), watermark_);
  WEIR_CHECK(operator_->OnWatermark(ms).ok());
}

void LoopRig::Run() {
  while (env_.RunPending() + mailbox_->RunAll() > 0) {
  }
}

std::vector<std::string> LoopRig::ReadTopic(const std::string& topic) {
  std::vector<std::string> lines;
  const auto partitions = log_->Partitions(topic);
  for (const int partition : partitions.value()) {
    auto reader = log_->OpenReader(topic, partition, LogPosition());
    LogChunk chunk;
    do {
      const Status status = (*reader)->Read(LogReadOptions(), &chunk);
      WEIR_CHECK(status.ok(), FormatError(status));
      for (const LogItem& item : chunk.items) lines.emplace_back(item.value);
    } while (!chunk.at_end);
  }
  return lines;
}

std::vector<std::string> LoopRig::LogLines(const std::string& suffix) {
  return ReadTopic("_weir.job.guard." + suffix);
}

size_t LoopRig::DeliverRules() {
  const std::vector<std::string> lines = LogLines("rules");
  if (lines.size() <= rules_delivered_) return 0;
  RecordBatch batch(plan_.control[0].schema);
  for (size_t i = rules_delivered_; i < lines.size(); ++i) {
    batch.column(0).AppendString(lines[i]);
    batch.AppendMeta(kNoTimestamp, Origin{1, 0, static_cast<int64_t>(i)}, 0);
  }
  const size_t count = batch.rows();
  rules_delivered_ = lines.size();
  WEIR_CHECK(operator_->Process(1, std::move(batch)).ok());
  return count;
}

void LoopRig::Settle() {
  do {
    Run();
  } while (DeliverRules() > 0);
}

void LoopRig::AdvanceMs(int64_t ms) {
  env_.AdvanceMs(ms);
  if (env_.clock.MonoNs() < wake_at_ns_) return;
  wake_at_ns_ = INT64_MAX;
  WEIR_CHECK(operator_->OnWake().ok());
}

LoopRig::Saved LoopRig::Checkpoint() {
  auto part = std::make_shared<Part>(++checkpoint_);
  WEIR_CHECK(operator_->Snapshot(part).ok());
  WEIR_CHECK(part->finished.has_value() && part->finished->ok());
  backend_->Seal(checkpoint_, true);
  while (!backend_->WriteSlice(1'000'000)) {
  }
  return {backend_->TakeSealed(), part->pieces, watermark_, rules_delivered_};
}

void LoopRig::Crash(const Saved* saved) {
  mailbox_->Close();
  env_.fs.Freeze();
  operator_.reset();
  env_.RunPending();  // of the dead process: nobody hears of it
  log_.reset();
  env_.fs.Crash(&random_);
  wake_at_ns_ = INT64_MAX;
  watermarks.clear();
  ended = false;
  agent_->asked.clear();
  Start(saved);
}

void LoopRig::Emit(int port, RecordBatch batch) {
  WEIR_CHECK(!batch.empty() && batch.key_group.size() == batch.rows());
  const Column& line = batch.column(batch.schema()->Find("line"));
  for (size_t i = 0; i < batch.rows(); ++i) {
    // No result may follow a watermark that is later than the one its event saw (D12).
    const auto seen = watermarks.find(port);
    if (port != kFast && seen != watermarks.end() && seen->second > arrived_at_.at(line.Int(i))) {
      ++overtaken;
    }
    RowToJson(batch, i, &rows_[port].emplace_back());
  }
}

void LoopRig::EmitWatermark(int port, int64_t ms) {
  const auto it = watermarks.find(port);
  if (it == watermarks.end() || ms > it->second) watermarks[port] = ms;
}

std::vector<std::string> LoopRig::Take(int port) { return std::exchange(rows_[port], {}); }

int64_t LoopRig::Metric(const std::string& name, const std::string& reason) const {
  if (reason.empty()) return metrics_.Sum("weir_agent_" + name);
  return metrics_.Sum("weir_agent_" + name, {{"reason", reason}});
}

}  // namespace weir
