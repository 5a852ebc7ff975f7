// Runs one operator alone on the memory backend, with hand-driven time: what the tests and the
// benchmark of the built-in operators stand on.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/operator.h"
#include "engine/core/registry.h"
#include "engine/core/state_backend.h"
#include "engine/model/value.h"
#include "state/hot/hot_backend.h"

namespace weir {

// One row of the tests' input: {host: string, line: int64, ts: timestamp, src_ip: string?,
// kind: string}.
struct Event {
  std::optional<std::string> src_ip;
  int64_t ts = 0;
  std::string kind = "failed";
  int64_t line = 0;
  std::string host = "h";
};

inline SchemaPtr EventSchema() {
  static const SchemaPtr schema = MakeSchema({{"host", Type{TypeKind::kString, {}}, false},
                                              {"line", Type{TypeKind::kInt64, {}}, false},
                                              {"ts", Type{TypeKind::kTimestamp, {}}, false},
                                              {"src_ip", Type{TypeKind::kString, {}}, true},
                                              {"kind", Type{TypeKind::kString, {}}, false}});
  return schema;
}

inline RecordBatch MakeBatch(const std::vector<Event>& events, SchemaPtr schema = EventSchema()) {
  RecordBatch batch(std::move(schema));
  for (const Event& e : events) {
    batch.column(0).AppendString(e.host);
    batch.column(1).AppendInt(e.line);
    batch.column(2).AppendInt(e.ts);
    if (e.src_ip) {
      batch.column(3).AppendString(*e.src_ip);
    } else {
      batch.column(3).AppendNull();
    }
    batch.column(4).AppendString(e.kind);
    batch.AppendMeta(e.ts, Origin{0, 0, e.line}, 0);
  }
  return batch;
}

// Options as texts: scalars as in YAML, lists and maps as entries ("" = the item's name is free).
using OptionTexts = std::vector<std::pair<std::string, std::vector<std::string>>>;

class CollectedErrors : public PlanErrors {
 public:
  void Add(std::string_view option, const Status& status) override {
    texts.push_back(std::string(option) + ": " + FormatError(status));
  }
  std::vector<std::string> texts;
};

class OperatorRig : public OperatorContext, public Collector, public TimerService {
 public:
  // Check-fails when planning fails; use PlanErrorsOf for that.
  OperatorRig(OperatorType type, const OptionTexts& options,
              std::vector<SchemaPtr> inputs = {EventSchema()})
      : type_(std::move(type)), options_(Parse(type_, options)) {
    CollectedErrors errors;
    plan_ = PlanWith(type_, options_, inputs, &errors);
    WEIR_CHECK(plan_.has_value(), errors.texts.empty() ? "no plan" : errors.texts[0]);
    if (!plan_->key.empty()) {
      selector_ = KeySelector::Create(*inputs[0], plan_->key).value();
    }
    Start(NewBackend());
  }

  OperatorRig(const OperatorRig&) = delete;

  static std::vector<std::string> PlanErrorsOf(const OperatorType& type, const OptionTexts& options,
                                               std::vector<SchemaPtr> inputs = {EventSchema()}) {
    CollectedErrors errors;
    const Options parsed = Parse(type, options);
    WEIR_CHECK(!PlanWith(type, parsed, inputs, &errors).has_value(), "it has a plan");
    return errors.texts;
  }

  const OperatorPlan& plan() const { return *plan_; }

  void Process(const std::vector<Event>& events) { Process(MakeBatch(events)); }
  void Process(RecordBatch batch, int input = 0) {
    AssignKey(&batch);
    ProcessKeyed(std::move(batch), input);
  }
  void AssignKey(RecordBatch* batch) {
    if (!plan_->key.empty()) selector_.Assign(batch, 128);
  }
  void ProcessKeyed(RecordBatch batch, int input = 0) {
    backend_->SetTime(now_ms, watermark_);
    const Status status = operator_->Process(input, std::move(batch));
    WEIR_CHECK(status.ok(), FormatError(status));
  }
  void Watermark(int64_t ms) {
    watermark_ = ms;
    backend_->SetTime(now_ms, watermark_);
    while (!timers_set_.empty() && timers_set_.begin()->first <= ms) {
      const auto [at, key] = *timers_set_.begin();
      timers_set_.erase(timers_set_.begin());
      ++timers_fired;
      WEIR_CHECK(
          operator_->OnTimer({TimeDomain::kEventTime, at, key.group, key.key, key.space}).ok());
    }
    WEIR_CHECK(operator_->OnWatermark(ms).ok());
  }
  // Seals, writes and restores everything into a new backend and a new operator.
  void SnapshotRestore() {
    backend_->Seal(++checkpoint_, true);
    while (!backend_->WriteSlice(1'000'000)) {
    }
    const SealedState sealed = backend_->TakeSealed();
    auto restored = NewBackend();
    for (const SealedTable& table : sealed.tables) {
      WEIR_CHECK(ForEachStateRecord(table.bytes, [&](const StateRecord& record) {
                   return restored->Restore(table, record);
                 }).ok());
    }
    Start(std::move(restored));
  }

  // Everything emitted on a port since the last call, as JSON rows.
  std::vector<std::string> Take(int port = 0) {
    std::vector<std::string> rows;
    for (const RecordBatch& batch : emitted_[port]) {
      WEIR_CHECK(!batch.empty());
      for (size_t i = 0; i < batch.rows(); ++i) RowToJson(batch, i, &rows.emplace_back());
    }
    emitted_[port].clear();
    return rows;
  }
  // The values of one int64 column of a port since the last call.
  std::vector<int64_t> TakeInts(const std::string& column, int port = 0) {
    std::vector<int64_t> values;
    for (const RecordBatch& batch : emitted_[port]) {
      const int c = batch.schema()->Find(column);
      WEIR_CHECK(c >= 0 && batch.column(c).size() == batch.rows());
      for (size_t i = 0; i < batch.rows(); ++i) values.push_back(batch.column(c).Int(i));
    }
    emitted_[port].clear();
    return values;
  }
  std::vector<RecordBatch>& emitted(int port = 0) { return emitted_[port]; }
  int64_t Metric(const std::string& name) { return metrics_.Sum(name); }
  StateTable* table(const std::string& name) { return tables_.at(name); }
  StateBackend* backend() { return backend_.get(); }
  size_t timers_registered() const { return timers_set_.size(); }

  int64_t now_ms = 1'000'000;
  int timers_fired = 0;

  // OperatorContext.
  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override {
    WEIR_ASSIGN_OR_RETURN(StateTable * table, backend_->OpenTable(descriptor));
    tables_[descriptor.name] = table;
    return table;
  }
  const OperatorInfo& info() const override { return info_; }
  const Env& env() const override { return env_; }
  TimerService* timers() override { return this; }
  MailHandle mail() override { return {}; }
  int64_t watermark() const override { return watermark_; }
  MetricRegistry* metrics() override { return &metrics_; }
  MetricLabels labels() const override { return {}; }
  LogClient* log() override { return nullptr; }
  StatusOr<std::shared_ptr<AgentChannel>> Agent(const std::string&) override {
    return Err(ErrorCode::kUnsupported, "no agent here");
  }
  void Fail(Status status) override { WEIR_CHECK(false, FormatError(status)); }
  void WakeAt(int64_t) override {}

  // Collector.
  void Emit(int port, RecordBatch batch) override { emitted_[port].push_back(std::move(batch)); }
  void EmitWatermark(int, int64_t) override {}
  void EmitIdle(int, bool) override {}
  void EmitEndOfInput() override {}
  int ports() const override { return static_cast<int>(plan_->outputs.size()); }

  // TimerService.
  void Register(TimeDomain, const KeyRef& key, std::string_view space, int64_t at_ms) override {
    timers_set_.insert({at_ms, {key.group, std::string(key.bytes), std::string(space)}});
  }
  void Delete(TimeDomain, const KeyRef& key, std::string_view space, int64_t at_ms) override {
    timers_set_.erase({at_ms, {key.group, std::string(key.bytes), std::string(space)}});
  }

 private:
  struct TimerKey {
    uint16_t group;
    std::string key, space;
    auto operator<=>(const TimerKey&) const = default;
  };

  static Options Parse(const OperatorType& type, const OptionTexts& texts) {
    Options options;
    for (const auto& text : texts) {
      const std::string& name = text.first;
      const std::vector<std::string>& items = text.second;
      const auto def = std::find_if(type.options.begin(), type.options.end(),
                                    [&](const OptionDef& d) { return d.name == name; });
      WEIR_CHECK(def != type.options.end(), name);
      OptionValue value;
      if (def->type == OptionType::kStringList) {
        value.list = items;
      } else if (def->type == OptionType::kStringMap) {
        for (size_t i = 0; i + 1 < items.size(); i += 2) {
          value.entries.emplace_back(items[i], items[i + 1]);
        }
      } else {
        value = Options::ParseScalar(*def, items.at(0)).value();
      }
      options.Set(name, std::move(value));
    }
    WEIR_CHECK(options.FillDefaults(type.options).ok());
    return options;
  }

  static std::optional<OperatorPlan> PlanWith(const OperatorType& type, const Options& options,
                                              const std::vector<SchemaPtr>& inputs,
                                              PlanErrors* errors) {
    OperatorPlanContext context;
    context.name = "op";
    context.options = &options;
    context.errors = errors;
    for (size_t i = 0; i < inputs.size(); ++i) {
      context.inputs.push_back({"in" + std::to_string(i), inputs[i], inputs[i]->Find("ts")});
    }
    return type.plan(context);
  }

  std::unique_ptr<StateBackend> NewBackend() { return std::make_unique<HotStateBackend>(&clock_); }

  void Start(std::unique_ptr<StateBackend> backend) {
    operator_.reset();
    tables_.clear();
    backend_ = std::move(backend);
    backend_->SetTime(now_ms, watermark_);
    operator_ = plan_->create().value();
    const Status opened = operator_->Open(this, this);
    WEIR_CHECK(opened.ok(), FormatError(opened));
  }

  ManualClock clock_;
  OperatorType type_;
  Options options_;
  std::optional<OperatorPlan> plan_;
  KeySelector selector_;
  OperatorInfo info_;
  Env env_;
  MetricRegistry metrics_;
  std::unique_ptr<StateBackend> backend_;
  std::map<std::string, StateTable*> tables_;
  std::unique_ptr<Operator> operator_;
  std::map<int, std::vector<RecordBatch>> emitted_;
  std::set<std::pair<int64_t, TimerKey>> timers_set_;
  int64_t watermark_ = kNoTimestamp;
  int64_t checkpoint_ = 0;
};

}  // namespace weir
