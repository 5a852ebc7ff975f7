#include "agent/agent_loop_operator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/log.h"

namespace weir {

namespace {

// Waiters evaluated in one turn: a burst's release must not hold the task for long.
constexpr size_t kReleaseSlice = 1024;
// Entries beyond requests and waiters: answers that wait for their turn.
constexpr size_t kMaxOrdered = 65'536;
constexpr const char* kRulesPiece = "rulelog";

Validator::Config ValidatorConfig(const AgentLoopConfig& config, int parallelism) {
  Validator::Config out;
  out.schema = config.input;
  out.actions = config.allowed_actions;
  out.default_ttl_ms = config.default_ttl_ms;
  out.max_ttl_ms = config.max_ttl_ms;
  out.max_per_minute = std::max<int64_t>(1, config.max_per_minute / parallelism);
  out.any_scope = config.any_scope;
  return out;
}

}  // namespace

AgentLoopOperator::AgentLoopOperator(std::shared_ptr<const AgentLoopConfig> config)
    : config_(std::move(config)),
      pending_(config_->order),
      flights_(config_->waiters_per_signature, config_->waiters_total) {}

AgentLoopOperator::~AgentLoopOperator() = default;

Status AgentLoopOperator::Open(OperatorContext* context, Collector* out) {
  WEIR_RETURN_IF_ERROR(Operator::Open(context, out));
  metrics_ = std::make_unique<AgentLoopMetrics>(context->metrics(), context->labels());
  output_ = std::make_unique<AgentLoopOutput>(*config_, out);
  opened_ms_ = context->env().clock->NowMs();
  watermark_ = context->watermark();
  WEIR_RETURN_IF_ERROR(OpenState());
  OpenLogs();
  WEIR_RETURN_IF_ERROR(OpenPaths());
  WEIR_RETURN_IF_ERROR(slow_->RestoreFlights());
  // As mail, because the positions to read from come with Restore, after this.
  context->mail().Post([this] { Start(); });
  return absl::OkStatus();
}

Status AgentLoopOperator::OpenState() {
  WEIR_ASSIGN_OR_RETURN(Signature signature,
                        Signature::Create(*config_->input, config_->signature));
  rules_ = std::make_unique<RuleSet>(config_->input, std::move(signature), config_->max_active);
  WEIR_RETURN_IF_ERROR(rules_->Open(context()));
  WEIR_RETURN_IF_ERROR(records_.Open(context(), config_->decision_ttl_ms));
  return pending_.Open(context());
}

void AgentLoopOperator::OpenLogs() {
  const auto fail = [this](const Status& status) { context()->Fail(status); };
  DecisionLog::Config log;
  log.topic = config_->decision_topic();
  log.epoch = context()->info().epoch;
  log.groups = context()->info().key_groups;
  log.io = context()->env().io;
  log.mail = context()->mail();
  log.client = context()->log();
  log.fail = fail;
  log.recorded = [this](uint16_t group, const Decision& d) {
    return records_.Contains(KeyRef{group, HashBytes(d.key), d.key}, d.request_id);
  };
  decision_log_ = std::make_unique<DecisionLog>(std::move(log));
  rule_log_ =
      std::make_unique<RuleLog>(context(), config_->rule_topic(), fail, [this] { EndTurn(); });
}

Status AgentLoopOperator::OpenPaths() {
  const OperatorInfo& info = context()->info();
  const Schema& schema = *config_->input;
  WEIR_ASSIGN_OR_RETURN(RowDecoder decoder,
                        RowDecoder::Create(schema, config_->key, info.max_parallelism));
  decoder_ = std::make_unique<RowDecoder>(std::move(decoder));
  const AgentLoopParts parts = {config_.get(),       context(),       metrics_.get(), output_.get(),
                                &pending_,           &records_,       &flights_,      rules_.get(),
                                decision_log_.get(), rule_log_.get(), decoder_.get()};
  WEIR_ASSIGN_OR_RETURN(auto slow_view, EventView::Create(*config_));
  WEIR_ASSIGN_OR_RETURN(auto row_view, EventView::Create(*config_));
  WEIR_ASSIGN_OR_RETURN(Masking masking, Masking::Create(schema, config_->mask));
  WEIR_ASSIGN_OR_RETURN(ProtectedValues protect,
                        ProtectedValues::Create(schema, config_->protected_values));
  WEIR_ASSIGN_OR_RETURN(auto channel, context()->Agent(config_->endpoint));
  Validator validator(ValidatorConfig(*config_, info.parallelism), row_view->signature(), protect);
  results_ = std::make_unique<ResultQueue>(parts);
  slow_ = std::make_unique<SlowPath>(
      parts, results_.get(), std::move(slow_view), std::move(masking),
      Decider(std::move(validator), rules_.get()), std::move(channel), [this] { EndTurn(); });
  rows_ = std::make_unique<RowPath>(parts, results_.get(), slow_.get(), std::move(row_view),
                                    std::move(protect));
  return absl::OkStatus();
}

Status AgentLoopOperator::Restore(const std::vector<StatePiece>& pieces) {
  std::optional<int64_t> read;
  for (const StatePiece& piece : pieces) {
    if (piece.name != kRulesPiece) continue;
    LogPosition position;
    if (!DecodePosition(piece.bytes, &position)) {
      return Err(ErrorCode::kStateCorrupt, "the rule log's position is malformed");
    }
    // The lowest of all subtasks: one of them may have read on behind its barrier (input_gate.h),
    // and the restored rules, which are those of one, need not be those of the one that has.
    read = std::min(read.value_or(position.offset), position.offset);
  }
  rules_read_ = read.value_or(0);
  return decision_log_->Restore(pieces);
}

void AgentLoopOperator::Start() {
  decision_log_->Start([this] { ReadRules(); });
}

void AgentLoopOperator::ReadRules() {
  rule_log_->ReadToEnd(
      rules_read_, [this](int64_t offset, std::string_view line) { ApplyLine(offset, line); },
      [this] { OnLogsRead(); });
}

void AgentLoopOperator::OnLogsRead() {
  ready_ = true;
  slow_->Resume();
  EndTurn();
}

bool AgentLoopOperator::CanAccept() {
  if (!ready_) return false;
  if (pending_.size() >= config_->waiters_total + 2 * config_->capacity + kMaxOrdered) return false;
  // Bounds what waits for the disk when every event is decided by the fail-safe.
  if (slow_->undecided() >= 2 * config_->capacity + kMaxBatchRows) return false;
  return !config_->backpressure || (slow_->HasCapacity() && !flights_.full());
}

Status AgentLoopOperator::Process(int input, RecordBatch batch) {
  if (input == 0) {
    WEIR_CHECK(ready_, "input before CanAccept");
    rows_->Process(std::move(batch));
  } else {
    for (size_t i = 0; i < batch.rows(); ++i) {
      ApplyLine(batch.origin[i].offset, batch.column(0).String(i));
      rules_read_ = std::max(rules_read_, batch.origin[i].offset + 1);
    }
  }
  EndTurn();
  return absl::OkStatus();
}

void AgentLoopOperator::ApplyLine(int64_t offset, std::string_view line) {
  const StatusOr<Rule> rule = RuleFromLine(line);
  if (rule.ok()) return ApplyRule(*rule);
  // Whoever wrote this, a rule is not guessed and the job goes on.
  metrics_->rules_malformed->Add();
  const OperatorInfo& info = context()->info();
  LogRepeated(LogLevel::kWarning, config_->name, "malformed rule",
              absl::StrCat("rule log offset ", offset, ": ", FormatError(rule.status())),
              {info.uid, info.subtask, ErrorNumber(rule.status())});
}

void AgentLoopOperator::ApplyRule(const Rule& rule) {
  WEIR_SIM_POINT("rule.apply.before");
  const RuleSet::Applied applied = rules_->Apply(rule);
  WEIR_SIM_POINT("rule.apply.after");
  if (applied == RuleSet::Applied::kNew) {
    metrics_->rules_applied->Add();
    // A rule of an earlier run says nothing about how fast this one is.
    if (rule.created_ms >= opened_ms_) {
      metrics_->rule_lag_ms->Record(context()->env().clock->NowMs() - rule.created_ms);
    }
  } else if (applied == RuleSet::Applied::kRefused) {
    metrics_->rule_refused->Add();
  }
  slow_->OnRule(RuleKey(rule));
}

void AgentLoopOperator::EndTurn() {
  if (ready_) {
    ReleaseWaiters();
    slow_->Pump();
  }
  output_->Flush();
  ForwardTime();
  UpdateGauges();
  Wake();
  MaybeEnd();
}

void AgentLoopOperator::ReleaseWaiters() {
  size_t budget = kReleaseSlice;
  Flight* flight = slow_->NextRelease();
  for (; flight != nullptr && budget > 0; flight = slow_->NextRelease()) {
    const size_t waiting = flights_.waiting();
    rows_->Release(flight, budget);
    budget -= std::min(budget, std::max<size_t>(1, waiting - flights_.waiting()));
  }
  if (flight == nullptr || more_to_release_) return;
  more_to_release_ = true;
  context()->mail().Post([this] {
    more_to_release_ = false;
    EndTurn();
  });
}

void AgentLoopOperator::ForwardTime() {
  if (watermark_ != kNoTimestamp) {
    out()->EmitWatermark(AgentLoopOutput::kFast, watermark_);
    const int64_t held = pending_.queue()->OutputWatermark(watermark_);
    for (int port = 1; held != kNoTimestamp && port < AgentLoopOutput::kPorts; ++port) {
      out()->EmitWatermark(port, held);
    }
  }
  // An idle input must not let the held ports' time run past what is still to come on them.
  // The first status always goes on: consumers of several inputs wait for it (input_gate.h).
  if (!idle_) return;
  const bool idle = *idle_ && pending_.queue()->empty();
  if (idle == idle_forwarded_) return;
  idle_forwarded_ = idle;
  for (int port = 1; port < AgentLoopOutput::kPorts; ++port) out()->EmitIdle(port, idle);
}

Status AgentLoopOperator::OnWatermark(int64_t ms) {
  watermark_ = ms;
  // Held back by who waits: a rule that comes when time is far ahead of its event still answers
  // those for whose sake it was asked for.
  rules_->OnWatermark(pending_.queue()->OutputWatermark(ms));
  ForwardTime();
  return absl::OkStatus();
}

Status AgentLoopOperator::OnIdle(bool idle) {
  idle_ = idle;
  out()->EmitIdle(AgentLoopOutput::kFast, idle);
  ForwardTime();
  return absl::OkStatus();
}

void AgentLoopOperator::Wake() {
  const int64_t at = slow_->next_wake_ns();
  if (at == INT64_MAX || at >= wake_at_ns_) return;
  wake_at_ns_ = at;
  context()->WakeAt(at);
}

Status AgentLoopOperator::OnWake() {
  wake_at_ns_ = INT64_MAX;
  if (ready_) slow_->OnWake();
  EndTurn();
  return absl::OkStatus();
}

void AgentLoopOperator::UpdateGauges() {
  metrics_->waiting->Set(static_cast<int64_t>(flights_.waiting()));
  metrics_->in_flight->Set(static_cast<int64_t>(slow_->in_flight()));
  metrics_->rules_active->Set(static_cast<int64_t>(rules_->active()));
  metrics_->rules_disabled->Set(static_cast<int64_t>(rules_->switched_off()));
  metrics_->rule_log_position->Set(rules_read_);
  metrics_->pending->Set(static_cast<int64_t>(pending_.size()));
  metrics_->known_decisions->Set(static_cast<int64_t>(decision_log_->known()));
}

Status AgentLoopOperator::OnEndOfInput() {
  end_of_input_ = true;
  EndTurn();
  return absl::OkStatus();
}

void AgentLoopOperator::MaybeEnd() {
  if (!end_of_input_ || ended_ || !ready_) return;
  if (!slow_->idle() || !decision_log_->idle() || !rule_log_->idle()) return;
  ended_ = true;
  out()->EmitEndOfInput();
}

Status AgentLoopOperator::Snapshot(const std::shared_ptr<SnapshotPart>& part) {
  decision_log_->Snapshot(part.get());
  StatePiece piece;
  piece.name = kRulesPiece;
  EncodePosition(LogPosition{rules_read_, -1, 0}, &piece.bytes);
  part->Add(std::move(piece));
  part->Finish(absl::OkStatus());
  return absl::OkStatus();
}

}  // namespace weir
