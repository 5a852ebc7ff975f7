#include "engine/runtime/chain_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/metric_catalog.h"

namespace weir {
namespace {
constexpr size_t kMaxOutputBytes = 64u << 20;  // DESIGN D23: of one call
constexpr int64_t kTimersPerSlice = 256;       // counted, not timed: a replay cuts alike
}  // namespace

ChainNode::ChainNode(NodeConfig config, TaskServices* services)
    : services_(services),
      info_(std::move(config.info)),
      labels_(
          {{"job", info_.job}, {"operator", info_.name}, {"subtask", absl::StrCat(info_.subtask)}}),
      log_url_(std::move(config.log_url)),
      backend_(std::move(config.backend)),
      op_(std::move(config.op)),
      source_(std::move(config.source)),
      restored_(std::move(config.restored)),
      is_restore_(config.is_restore),
      ports_(config.ports),
      watermark_(config.watermark) {
  MetricRegistry* m = services_->metrics();
  records_in_ = m->GetCounter("weir_operator_records_in_total", labels_);
  batches_in_ = m->GetCounter("weir_operator_batches_in_total", labels_);
  bytes_in_ = m->GetCounter("weir_operator_bytes_in_total", labels_);
  watermark_gauge_ = m->GetGauge("weir_operator_watermark_timestamp_seconds", labels_);
  watermark_gauge_->Set(kUnsetGauge);
  if (backend_ != nullptr) {
    state_metrics_ = std::make_unique<StateMetrics>(backend_.get(), m, labels_);
  }
  for (size_t p = 0; p < ports_.size(); ++p) {
    MetricLabels labels = labels_;
    labels.emplace_back("port", absl::StrCat(p));
    ports_[p].records = m->GetCounter("weir_operator_records_out_total", labels);
    ports_[p].bytes = m->GetCounter("weir_operator_bytes_out_total", labels);
  }
}

void ChainNode::AddChained(int port, ChainNode* node, int input) {
  ports_[port].chained.push_back({node, input});
}

void ChainNode::AddEdge(int port, std::unique_ptr<OutputEdge> edge) {
  ports_[port].edges.push_back(std::move(edge));
}

Status ChainNode::Open() {
  UpdateTime();
  if (backend_ != nullptr) WEIR_RETURN_IF_ERROR(timers_.Open(this, watermark_));
  if (source_ != nullptr) {
    WEIR_RETURN_IF_ERROR(Call([this] { return source_->Open(this, this); }));
    return is_restore_ ? Call([this] { return source_->Restore(restored_); }) : absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(Call([this] { return op_->Open(this, this); }));
  if (is_restore_) WEIR_RETURN_IF_ERROR(Call([this] { return op_->Restore(restored_); }));
  restored_.clear();
  if (backend_ == nullptr) return absl::OkStatus();
  const std::vector<std::string> unopened = backend_->UnopenedTables();
  if (unopened.empty()) return absl::OkStatus();
  return Err(ErrorCode::kStateUnmatched,
             absl::StrCat("operator '", info_.uid, "' does not use its restored state '",
                          unopened.front(), "'"),
             "the operator's type or options have changed; give it a new uid, or start --fresh");
}

StatusOr<StateTable*> ChainNode::OpenTable(const StateDescriptor& descriptor) {
  WEIR_CHECK(backend_ != nullptr, "a stateless operator opens state");
  return backend_->OpenTable(descriptor);
}

void ChainNode::UpdateTime() {
  if (backend_ != nullptr) backend_->SetTime(env().clock->NowMs(), watermark_);
}

Status ChainNode::ProcessInput(int input, RecordBatch batch, size_t bytes) {
  WEIR_RETURN_IF_ERROR(FinishFiring());
  records_in_->Add(static_cast<int64_t>(batch.rows()));
  batches_in_->Add();
  bytes_in_->Add(static_cast<int64_t>(bytes));
  output_bytes_ = 0;
  WEIR_RETURN_IF_ERROR(Call([&] { return op_->Process(input, std::move(batch)); }));
  if (backend_ != nullptr) backend_->Settle();
  if (output_bytes_ <= kMaxOutputBytes) return absl::OkStatus();
  return Err(
      ErrorCode::kOutputTooLarge,
      absl::StrCat("operator '", info_.name, "' produced ", output_bytes_, " bytes for one batch"),
      "emit less per record, or split the work over timers");
}

Status ChainNode::AdvanceWatermark(int64_t ms) {
  if (ms <= watermark_) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(FinishFiring());
  // Callbacks already see the new watermark (E-T4); results of timers precede it (E-M12).
  watermark_ = ms;
  watermark_gauge_->Set(ms);
  UpdateTime();
  firing_ = true;
  return FireTimers();
}

Status ChainNode::FireTimers() { return FireUpTo(kTimersPerSlice); }

Status ChainNode::FireUpTo(int64_t limit) {
  Timer timer;
  for (int64_t fired = 0; timers_.PopDue(TimeDomain::kEventTime, watermark_, &timer);) {
    WEIR_RETURN_IF_ERROR(Call([&] { return op_->OnTimer(timer); }));
    if (++fired == limit) return absl::OkStatus();
  }
  firing_ = false;
  return Call([this] { return op_->OnWatermark(watermark_); });
}

Status ChainNode::SetIdle(bool idle) {
  WEIR_RETURN_IF_ERROR(FinishFiring());
  return Call([&] { return op_->OnIdle(idle); });
}

Status ChainNode::EndInput() {
  WEIR_RETURN_IF_ERROR(FinishFiring());
  return Call([this] { return op_->OnEndOfInput(); });
}

Status ChainNode::RunDueTimersAndWakes() {
  const Clock* clock = env().clock;
  Timer timer;
  const int64_t now_ms = clock->NowMs();
  for (int64_t left = kTimersPerSlice;
       left > 0 && timers_.PopDue(TimeDomain::kProcessingTime, now_ms, &timer); --left) {
    WEIR_RETURN_IF_ERROR(Call([&] { return op_->OnTimer(timer); }));
  }
  if (wake_at_ns_ > clock->MonoNs()) return absl::OkStatus();
  wake_at_ns_ = kNeverNs;
  return Call([this] { return source_ != nullptr ? source_->OnWake() : op_->OnWake(); });
}

StatusOr<Source::PollResult> ChainNode::Poll() {
  Source::PollResult result{};
  WEIR_RETURN_IF_ERROR(Call([&]() -> Status {
    WEIR_ASSIGN_OR_RETURN(result, source_->Poll());
    return absl::OkStatus();
  }));
  return result;
}

int64_t ChainNode::NextDeadlineNs() const {
  const int64_t next_ms = timers_.NextProcessingMs();
  if (next_ms == INT64_MAX) return wake_at_ns_;
  const Clock* clock = services_->env().clock;
  const int64_t wait_ms = std::max<int64_t>(0, next_ms - clock->NowMs());
  return std::min(wake_at_ns_, clock->MonoNs() + std::min<int64_t>(wait_ms, 60'000) * 1'000'000);
}

bool ChainNode::Drain() {
  bool empty = true;
  for (Port& port : ports_) {
    for (auto& edge : port.edges) empty &= edge->Drain();
  }
  return empty;
}

void ChainNode::EmitBarrier(const Barrier& barrier) {
  for (Port& port : ports_) {
    for (auto& edge : port.edges) edge->EmitToAll(barrier);
  }
}

void ChainNode::Emit(int port, RecordBatch batch) {
  if (batch.empty()) return;
  if (port < 0 || static_cast<size_t>(port) >= ports_.size()) {
    return Check(
        Err(ErrorCode::kOperatorFailed, absl::StrCat("operator '", info_.name, "' emits to port ",
                                                     port, ", it has ", ports_.size())));
  }
  Port& p = ports_[port];
  p.records->Add(static_cast<int64_t>(batch.rows()));
  const size_t bytes = batch.MemoryBytes();
  p.bytes->Add(static_cast<int64_t>(bytes));
  if (p.chained.empty() && p.edges.empty()) return;
  output_bytes_ += bytes;
  EmitTo(&p, std::move(batch), bytes);
}

void ChainNode::EmitTo(Port* port, RecordBatch batch, size_t bytes) {
  size_t left = port->chained.size() + port->edges.size();
  // NOLINTBEGIN(bugprone-use-after-move): the last one gets the batch, the others copies.
  for (Chained& c : port->chained) {
    Check(c.node->ProcessInput(c.input, --left == 0 ? std::move(batch) : batch.Copy(), bytes));
  }
  for (auto& edge : port->edges) edge->Emit(--left == 0 ? std::move(batch) : batch.Copy());
  // NOLINTEND(bugprone-use-after-move)
}

void ChainNode::EmitWatermark(int port, int64_t ms) {
  Port& p = ports_[port];
  if (ms <= p.watermark) return;
  if (p.idle.value_or(false))
    EmitIdle(port, false);  // a watermark says that the stream is alive again
  p.watermark = ms;
  if (source_ != nullptr) watermark_gauge_->Set(ms);
  for (Chained& c : p.chained) Check(c.node->AdvanceWatermark(ms));
  for (auto& edge : p.edges) edge->EmitToAll(Watermark{ms});
}

void ChainNode::EmitIdle(int port, bool idle) {
  Port& p = ports_[port];
  if (p.idle == idle) return;
  p.idle = idle;
  for (Chained& c : p.chained) Check(c.node->SetIdle(idle));
  for (auto& edge : p.edges) edge->EmitToAll(IdleStatus{idle});
}

void ChainNode::EmitEndOfInput() {
  if (ended_) return;
  ended_ = true;
  for (Port& p : ports_) {
    for (Chained& c : p.chained) Check(c.node->EndInput());
    for (auto& edge : p.edges) edge->EmitToAll(EndOfInput{});
  }
  services_->NodeEnded();
}

}  // namespace weir
