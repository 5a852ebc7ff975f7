#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/dirlog/directory_log.h"
#include "engine/core/plain_format.h"
#include "engine/testing/harness_parts.h"

namespace weir {

size_t HarnessSnapshot::entries() const {
  size_t count = 0;
  for (const Content::Subtask& subtask : content_->subtasks) {
    for (const SealedTable& table : subtask.state.tables) {
      count += static_cast<size_t>(table.records);
    }
  }
  return count;
}

class OperatorHarness::Impl {
 public:
  explicit Impl(Setup setup) : setup_(std::move(setup)) {
    world_.log = NewDirectoryLog(world_.env, "log");
    world_.agent = setup_.agent;
  }

  Status Prepare() {
    if (setup_.inputs.empty()) {
      return Err(ErrorCode::kConfigMissingKey, "OperatorHarness: the setup names no input");
    }
    WEIR_ASSIGN_OR_RETURN(registry_, HarnessRegistry(setup_.type));
    PlanSource source;
    source.file = "harness";
    source.text = HarnessTopology(setup_);
    source.variable = world_.env.variable;
    source.read_file = [this](const std::string& path) { return world_.env.fs->ReadFile(path); };
    Diagnostics diagnostics;
    WEIR_ASSIGN_OR_RETURN(LoadedPlan loaded, LoadPlan(source, registry_, &diagnostics));
    plan_ = std::make_unique<LoadedPlan>(std::move(loaded));
    node_ = plan_->plan.logical.Find("operator");
    for (size_t i = 0; i < setup_.inputs.size(); ++i) {
      const OutputPort& port = plan_->plan.logical.Find(absl::StrCat("input", i))->outputs[0];
      WEIR_RETURN_IF_ERROR(AddInput(port.schema, port.event_time_field, node_->op.key));
    }
    for (const OperatorPlan::ControlInput& control : node_->op.control) {
      WEIR_RETURN_IF_ERROR(AddInput(control.schema, -1, {}));
    }
    parallelism_ = setup_.parallelism;
    return Start(nullptr);
  }

  Status Send(const std::vector<std::string>& rows, int input) {
    RecordBatch batch(at(input).schema);
    for (const std::string& row : rows) {
      std::string padded = row;
      padded.append(kLogReadPadding, ' ');  // decoders may read that far
      WEIR_RETURN_IF_ERROR(
          at(input).decoder->Decode(std::string_view(padded).substr(0, row.size()), &batch));
      batch.AppendMeta(kNoTimestamp, Origin{}, 0);
    }
    return SendBatch(std::move(batch), input);
  }

  Status SendBatch(RecordBatch batch, int input) {
    if (!(*batch.schema() == *at(input).schema)) {
      return Err(ErrorCode::kPlanSchema,
                 absl::StrCat("the batch has the schema ", batch.schema()->ToString(),
                              ", the input ", at(input).schema->ToString()));
    }
    FillHidden(&batch, input);
    if (!setup_.one_row_batches) {
      WEIR_RETURN_IF_ERROR(Route(std::move(batch), input));
      return EndStep();
    }
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      RecordBatch one(batch.schema());
      one.Gather(batch, {&row, 1});
      WEIR_RETURN_IF_ERROR(Route(std::move(one), input));
      WEIR_RETURN_IF_ERROR(EndStep());
    }
    return absl::OkStatus();
  }

  // Runs `step` on every subtask.
  Status ForAll(const std::function<Status(HarnessSubtask*)>& step) {
    for (auto& subtask : subtasks_) WEIR_RETURN_IF_ERROR(step(subtask.get()));
    return EndStep();
  }

  Status AdvanceWatermark(int64_t ms) {
    if (ms <= watermark_) return absl::OkStatus();
    watermark_ = ms;
    return ForAll([ms](HarnessSubtask* s) { return s->AdvanceWatermark(ms); });
  }

  Status AdvanceTime(int64_t ms) {
    const int64_t end_ns = world_.test_env.clock.MonoNs() + ms * 1'000'000;
    while (true) {
      int64_t next = world_.io.NextDueNs();
      for (const auto& subtask : subtasks_) next = std::min(next, subtask->NextDeadlineNs());
      next = std::min(next, end_ns);
      // Whole milliseconds: what is due within one is run at its end.
      const int64_t step_ns = next - world_.test_env.clock.MonoNs();
      if (step_ns > 0) world_.test_env.AdvanceMs((step_ns + 999'999) / 1'000'000);
      for (auto& subtask : subtasks_) WEIR_RETURN_IF_ERROR(subtask->RunDue());
      WEIR_RETURN_IF_ERROR(Settle());
      if (world_.test_env.clock.MonoNs() >= end_ns) return EndStep();
    }
  }

  StatusOr<HarnessSnapshot> Snapshot() {
    auto content = std::make_shared<HarnessSnapshot::Content>();
    content->max_parallelism = setup_.max_parallelism;
    content->watermark = watermark_;
    ++checkpoint_;
    Status settled;
    for (auto& subtask : subtasks_) {
      WEIR_ASSIGN_OR_RETURN(auto part,
                            subtask->Snapshot(checkpoint_, [&] { settled.Update(Settle()); }));
      WEIR_RETURN_IF_ERROR(settled);
      content->subtasks.push_back(std::move(part));
    }
    return HarnessSnapshot(std::move(content));
  }

  Status Restore(const HarnessSnapshot& snapshot, int parallelism) {
    const HarnessSnapshot::Content& content = snapshot.content();
    if (content.max_parallelism != setup_.max_parallelism) {
      return Err(ErrorCode::kStateIncompatible, "the snapshot has another max_parallelism");
    }
    if (parallelism > 0) parallelism_ = parallelism;
    watermark_ = content.watermark;
    return Start(&content);
  }

  size_t PortOf(const std::string& name) const {
    for (size_t i = 0; i < node_->outputs.size(); ++i) {
      if (node_->outputs[i].name == name) return i;
    }
    WEIR_CHECK(false, absl::StrCat("the operator has no output '", name, "'"));
  }
  std::vector<HarnessOutput> Take(const std::string& port) {
    return std::exchange(outputs_.ports[PortOf(port)], {});
  }
  int64_t watermark(const std::string& port) const {
    const std::vector<int64_t>& all = outputs_.watermarks[PortOf(port)];
    return *std::min_element(all.begin(), all.end());
  }
  size_t StateSize(const std::string& name) const {
    size_t size = 0;
    for (const auto& subtask : subtasks_) size += subtask->StateSize(name);
    return size;
  }
  int64_t Metric(const std::string& name) const {
    return world_.metrics.Sum(name, {{"operator", "operator"}});
  }
  int64_t now_ms() const { return world_.test_env.clock.NowMs(); }
  int parallelism() const { return parallelism_; }

  struct In {
    SchemaPtr schema;
    int event_time_field;
    KeySelector key;
    std::unique_ptr<RecordDecoder> decoder;
    int64_t rows = 0;
  };
  In& at(int input) { return inputs_.at(static_cast<size_t>(input)); }

 private:
  Status AddInput(const SchemaPtr& schema, int event_time, const std::vector<std::string>& key) {
    In in{schema, event_time, {}, nullptr};
    if (!key.empty()) {
      WEIR_ASSIGN_OR_RETURN(in.key, KeySelector::Create(*schema, key));
    }
    WEIR_ASSIGN_OR_RETURN(const auto new_decoder,
                          PlainDecoder(*registry_.FindFormat("json"), schema));
    WEIR_ASSIGN_OR_RETURN(in.decoder, new_decoder());
    inputs_.push_back(std::move(in));
    return absl::OkStatus();
  }

  // New subtasks, fed with what `content` holds of their key groups.
  Status Start(const HarnessSnapshot::Content* content) {
    subtasks_.clear();
    (void)world_.test_env.RunPending();  // of the dead incarnation: nobody hears of it
    ++epoch_;
    outputs_.ports.clear();
    outputs_.ports.resize(node_->outputs.size());
    outputs_.watermarks.assign(
        node_->outputs.size(),
        std::vector<int64_t>(static_cast<size_t>(parallelism_), kNoTimestamp));
    for (int i = 0; i < parallelism_; ++i) {
      WEIR_ASSIGN_OR_RETURN(auto op, node_->op.create());
      WEIR_CHECK(op != nullptr, "OperatorPlan::create gave no operator");
      subtasks_.push_back(
          std::make_unique<HarnessSubtask>(*node_, InfoOf(i), std::move(op), &world_, &outputs_));
    }
    if (content != nullptr) WEIR_RETURN_IF_ERROR(Feed(*content));
    for (auto& subtask : subtasks_) WEIR_RETURN_IF_ERROR(subtask->Open());
    return Settle();
  }

  // As engine/job/restore does it: a record goes to the owner of its key group, broadcast records
  // and pieces go to all.
  Status Feed(const HarnessSnapshot::Content& content) {
    std::vector<StatePiece> pieces;
    for (const HarnessSnapshot::Content::Subtask& from : content.subtasks) {
      pieces.insert(pieces.end(), from.pieces.begin(), from.pieces.end());
      for (const SealedTable& table : from.state.tables) {
        // Every subtask holds broadcast state alike; one copy is enough.
        if (table.broadcast && &from != &content.subtasks.front()) continue;
        WEIR_RETURN_IF_ERROR(ForEachStateRecord(
            table.bytes, [&](const StateRecord& record) { return FeedRecord(table, record); }));
      }
    }
    for (auto& subtask : subtasks_) subtask->SetRestored(pieces, content.watermark);
    return absl::OkStatus();
  }
  Status FeedRecord(const SealedTable& table, const StateRecord& record) {
    const int owner =
        table.broadcast ? -1 : OwnerOf(record.group, parallelism_, setup_.max_parallelism);
    for (int i = 0; i < parallelism_; ++i) {
      if (owner >= 0 && owner != i) continue;
      StateBackend* backend = subtasks_[static_cast<size_t>(i)]->backend();
      if (backend == nullptr) {
        return Err(ErrorCode::kStateIncompatible,
                   absl::StrCat("the operator no longer keeps state '", table.name, "'"));
      }
      WEIR_RETURN_IF_ERROR(backend->Restore(table, record));
    }
    return absl::OkStatus();
  }

  OperatorInfo InfoOf(int subtask) const {
    OperatorInfo info;
    info.job = "harness";
    info.uid = info.name = "operator";
    info.subtask = subtask;
    info.parallelism = parallelism_;
    info.max_parallelism = setup_.max_parallelism;
    info.key_groups = RangeOf(subtask, parallelism_, setup_.max_parallelism);
    info.epoch = epoch_;
    return info;
  }

  void FillHidden(RecordBatch* batch, int input) {
    In& in = at(input);
    for (size_t row = 0; row < batch->rows(); ++row) {
      batch->origin[row] = {static_cast<uint32_t>(input), 0, in.rows++};
      batch->emit[row] = 0;
      if (in.event_time_field < 0) continue;
      const Column& time = batch->column(in.event_time_field);
      batch->event_time[row] = time.IsNull(row) ? kNoTimestamp : time.Int(row);
    }
    if (!in.key.columns().empty()) in.key.Assign(batch, setup_.max_parallelism);
  }

  // Keyed rows to their owners, control rows to all, others to one subtask after the other.
  Status Route(RecordBatch batch, int input) {
    const bool control = static_cast<size_t>(input) >= setup_.inputs.size();
    const auto subtasks = static_cast<size_t>(parallelism_);
    if (!control && batch.key_group.empty()) {
      return subtasks_[next_++ % subtasks]->Process(input, std::move(batch));
    }
    std::vector<std::vector<uint32_t>> rows(subtasks);
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      for (size_t i = 0; i < subtasks; ++i) {
        const bool mine = control || OwnerOf(batch.key_group[row], parallelism_,
                                             setup_.max_parallelism) == static_cast<int>(i);
        if (mine) rows[i].push_back(row);
      }
    }
    for (size_t i = 0; i < subtasks; ++i) {
      if (rows[i].empty()) continue;
      RecordBatch part(batch.schema());
      part.Gather(batch, rows[i]);
      WEIR_RETURN_IF_ERROR(subtasks_[i]->Process(input, std::move(part)));
    }
    return absl::OkStatus();
  }

  // Mail and I/O until there is none, and timers that are due at this moment.
  Status Settle() {
    for (bool more = true; more;) {
      more = world_.test_env.RunPending() > 0;
      for (auto& subtask : subtasks_) {
        WEIR_ASSIGN_OR_RETURN(const bool mail, subtask->RunMail());
        more |= mail;
        WEIR_RETURN_IF_ERROR(subtask->RunDue());
      }
    }
    for (auto& subtask : subtasks_) subtask->ReclaimExpired();
    return absl::OkStatus();
  }

  Status EndStep() {
    WEIR_RETURN_IF_ERROR(Settle());
    if (!setup_.restore_every_step) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(const HarnessSnapshot snapshot, Snapshot());
    HarnessOutputs outputs = std::exchange(outputs_, {});
    WEIR_RETURN_IF_ERROR(Restore(snapshot, 0));
    outputs_ = std::move(outputs);
    return absl::OkStatus();
  }

  Setup setup_;
  HarnessWorld world_;
  Registry registry_;
  std::unique_ptr<LoadedPlan> plan_;
  const LogicalNode* node_ = nullptr;
  std::vector<In> inputs_;
  HarnessOutputs outputs_;
  std::vector<std::unique_ptr<HarnessSubtask>> subtasks_;
  int parallelism_ = 1;
  int64_t watermark_ = kNoTimestamp;
  int64_t epoch_ = 0;
  int64_t checkpoint_ = 0;
  size_t next_ = 0;
};

OperatorHarness::OperatorHarness(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OperatorHarness::~OperatorHarness() = default;

StatusOr<std::unique_ptr<OperatorHarness>> OperatorHarness::Create(Setup setup) {
  auto impl = std::make_unique<Impl>(std::move(setup));
  WEIR_RETURN_IF_ERROR(impl->Prepare());
  return std::unique_ptr<OperatorHarness>(new OperatorHarness(std::move(impl)));
}

Status OperatorHarness::Send(const std::vector<std::string>& rows, int input) {
  return impl_->Send(rows, input);
}
Status OperatorHarness::SendBatch(RecordBatch batch, int input) {
  return impl_->SendBatch(std::move(batch), input);
}
Status OperatorHarness::AdvanceWatermark(int64_t ms) { return impl_->AdvanceWatermark(ms); }
Status OperatorHarness::AdvanceTime(int64_t ms) { return impl_->AdvanceTime(ms); }
Status OperatorHarness::SetIdle(bool idle) {
  return impl_->ForAll([idle](HarnessSubtask* s) { return s->SetIdle(idle); });
}
Status OperatorHarness::EndInput() {
  return impl_->ForAll([](HarnessSubtask* s) { return s->EndInput(); });
}
int64_t OperatorHarness::now_ms() const { return impl_->now_ms(); }
const SchemaPtr& OperatorHarness::input_schema(int input) const { return impl_->at(input).schema; }

Status OperatorHarness::FillMissing(RecordBatch* batch) {
  for (int c = 0; c < batch->width(); ++c) {
    if (batch->column(c).size() == batch->rows()) continue;
    const Field& field = batch->schema()->field(c);
    if (!field.nullable) {
      return Err(ErrorCode::kRecordMissingField,
                 absl::StrCat("the struct has no field '", field.name, "', which may not be null"));
    }
    batch->column(c).AppendNull();
  }
  return absl::OkStatus();
}

std::vector<RecordBatch> OperatorHarness::TakeBatches(const std::string& port) {
  std::vector<RecordBatch> batches;
  for (HarnessOutput& output : impl_->Take(port)) {
    if (output.batch.has_value()) batches.push_back(*std::move(output.batch));
  }
  return batches;
}

std::vector<std::string> OperatorHarness::Take(const std::string& port) {
  std::vector<std::string> rows;
  for (const RecordBatch& batch : TakeBatches(port)) {
    for (size_t i = 0; i < batch.rows(); ++i) RowToJson(batch, i, &rows.emplace_back());
  }
  return rows;
}

std::vector<std::string> OperatorHarness::TakeAll(const std::string& port) {
  std::vector<std::string> all;
  for (const HarnessOutput& output : impl_->Take(port)) {
    const size_t first = all.size();
    if (output.batch.has_value()) {
      for (size_t i = 0; i < output.batch->rows(); ++i) {
        RowToJson(*output.batch, i, &all.emplace_back());
      }
      continue;
    }
    all.push_back(output.mark);
    if (impl_->parallelism() > 1) absl::StrAppend(&all[first], "@", output.subtask);
  }
  return all;
}

int64_t OperatorHarness::watermark(const std::string& port) const { return impl_->watermark(port); }
StatusOr<HarnessSnapshot> OperatorHarness::Snapshot() { return impl_->Snapshot(); }
Status OperatorHarness::Restore(const HarnessSnapshot& snapshot, int parallelism) {
  return impl_->Restore(snapshot, parallelism);
}
size_t OperatorHarness::StateSize(const std::string& state) const {
  return impl_->StateSize(state);
}
size_t OperatorHarness::timers() const {
  return impl_->StateSize("_timers.event") + impl_->StateSize("_timers.processing");
}
int64_t OperatorHarness::Metric(const std::string& name) const { return impl_->Metric(name); }

}  // namespace weir
