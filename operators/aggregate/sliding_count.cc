#include "operators/aggregate/sliding_count.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/core/operator.h"
#include "engine/core/state.h"
#include "operators/aggregate/batch_helpers.h"
#include "operators/aggregate/count_plan.h"
#include "operators/aggregate/time_ring.h"

namespace weir {
namespace {

constexpr int kRows = 0, kLate = 1;
constexpr size_t kInFlight = 16;                // rings whose memory is fetched at the same time
constexpr std::string_view kExpiry = "expiry";  // namespace of the timers

struct SlidingCountConfig {
  CountPlan count;
  int64_t window_ms = 0;
  int64_t lateness_ms = 0;
  uint32_t cap = 0;
  bool pass_late = true;
};

class SlidingCount : public Operator {
 public:
  SlidingCount(const SlidingCountConfig& config, RowCondition where)
      : output_(config.count.output),
        keyed_(config.count.key),
        where_(std::move(where)),
        window_ms_(config.window_ms),
        late_after_ms_(AddTimes(config.window_ms, config.lateness_ms)),
        // A row in time is newer than watermark - late_after and looks back one more window.
        keep_ms_(AddTimes(late_after_ms_, config.window_ms)),
        cap_(config.cap),
        pass_late_(config.pass_late) {}

  Status Open(OperatorContext* context, Collector* out) override {
    const auto counter = [&](const char* name) {
      return context->metrics()->GetCounter(name, context->labels());
    };
    where_.CountErrors(counter("weir_expression_errors_total"));
    late_count_ = counter("weir_operator_late_records_total");
    capped_ = counter("weir_sliding_count_capped_total");
    WEIR_RETURN_IF_ERROR(rings_.Open(context, "times"));
    return Operator::Open(context, out);
  }

  Status Process(int /*input*/, RecordBatch batch) override {
    FindLate(batch);
    if (!late_.empty()) {
      EmitLate(batch);
      if (!pass_late_) {
        batch = WithoutLate(batch);
        late_.clear();
        if (batch.empty()) return absl::OkStatus();
      }
    }
    Column counts = CountRows(batch);
    out()->Emit(kRows, AppendColumn(output_, std::move(batch), std::move(counts)));
    return absl::OkStatus();
  }

  Status OnTimer(const Timer& timer) override {
    const KeyRef key = timer.key_ref();
    TimeRing* ring = rings_.GetForWrite(key);
    if (ring == nullptr) return absl::OkStatus();
    ring->DropUpTo(Needless());
    if (ring->empty()) {
      rings_.Clear(key);
    } else {
      RegisterExpiry(key, ring);
    }
    return absl::OkStatus();
  }

 private:
  // Times at or below it can no longer be compared with a row in time.
  int64_t Needless() { return BeforeWatermark(keep_ms_); }

  int64_t BeforeWatermark(int64_t ms) {
    const int64_t watermark = context()->watermark();
    return watermark == kNoTimestamp ? kNoTimestamp : AddTimes(watermark, -ms);
  }

  void FindLate(const RecordBatch& batch) {
    late_.clear();
    // Before any watermark only rows without an event time are late.
    const int64_t limit = BeforeWatermark(late_after_ms_);
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      if (batch.event_time[row] <= limit) late_.push_back(row);
    }
  }

  void EmitLate(const RecordBatch& batch) {
    late_count_->Add(static_cast<int64_t>(late_.size()));
    RecordBatch late(batch.schema());
    late.Gather(batch, late_);
    out()->Emit(kLate, std::move(late));
  }

  RecordBatch WithoutLate(const RecordBatch& batch) {
    std::vector<uint32_t> rest;
    size_t next = 0;
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      if (next < late_.size() && late_[next] == row) {
        ++next;
      } else {
        rest.push_back(row);
      }
    }
    RecordBatch in_time(batch.schema());
    in_time.Gather(batch, rest);
    return in_time;
  }

  // Rows that are counted: those that satisfy the condition and are not late.
  std::span<const uint32_t> CountedRows(const RecordBatch& batch) {
    const std::span<const uint32_t> rows = where_.Select(batch);
    if (late_.empty()) return rows;
    counted_.clear();
    std::set_difference(rows.begin(), rows.end(), late_.begin(), late_.end(),
                        std::back_inserter(counted_));
    return counted_;
  }

  Column CountRows(const RecordBatch& batch) {
    const std::span<const uint32_t> rows = CountedRows(batch);
    const std::span<const StateKey> keys = keyed_.Load(batch, rows, rings_.table());
    const TimeRing::Limits limits{window_ms_, cap_, Needless()};
    Column counts(Type{TypeKind::kInt64, {}});
    counts.Reserve(batch.rows());
    TimeRing* rings[kInFlight];
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i % kInFlight == 0) FindRings(keys.subspan(i), rings);
      while (counts.size() < rows[i]) counts.AppendInt(0);
      counts.AppendInt(CountRow(keys[i], batch.event_time[rows[i]], limits, rings[i % kInFlight]));
    }
    while (counts.size() < batch.rows()) counts.AppendInt(0);
    return counts;
  }

  // The rings of the next kInFlight keys. Their memory is asked for all at once: a row would
  // otherwise wait for its ring's end, which lies in a page of its own.
  void FindRings(std::span<const StateKey> keys, TimeRing** rings) {
    const size_t count = std::min(keys.size(), kInFlight);
    for (size_t i = 0; i < count; ++i) {
      bool created;
      rings[i] = static_cast<TimeRing*>(rings_.table()->FindOrCreate(keys[i], &created));
      rings[i]->Prefetch();
    }
  }

  int64_t CountRow(const StateKey& key, int64_t ts, const TimeRing::Limits& limits,
                   TimeRing* ring) {
    if (ring->size() >= cap_) capped_->Add();
    const int64_t count = ring->Add(ts, limits);
    if (ring->timer_ms == 0) RegisterExpiry({key.group, key.hash, key.key}, ring);
    return count;
  }

  // One timer per key stands at a time, for the newest time when it was set; when it fires and
  // newer ones have come it is set again.
  void RegisterExpiry(const KeyRef& key, TimeRing* ring) {
    ring->timer_ms = AddTimes(ring->newest(), keep_ms_);
    context()->timers()->Register(TimeDomain::kEventTime, key, kExpiry, ring->timer_ms);
  }

  SchemaPtr output_;
  KeyedRows keyed_;
  RowCondition where_;
  const int64_t window_ms_, late_after_ms_, keep_ms_;
  const uint32_t cap_;
  const bool pass_late_;
  ValueState<TimeRing> rings_;
  std::vector<uint32_t> late_, counted_;
  Counter* late_count_ = nullptr;
  Counter* capped_ = nullptr;
};

std::optional<OperatorPlan> PlanSlidingCount(const OperatorPlanContext& context) {
  std::optional<CountPlan> count = PlanCount(context);
  if (!count.has_value()) return std::nullopt;
  const Options& options = *context.options;
  SlidingCountConfig config;
  config.count = *std::move(count);
  config.window_ms = options.Int("window");
  config.lateness_ms = options.Int("allowed_lateness");
  config.cap = static_cast<uint32_t>(options.Int("cap"));
  config.pass_late = options.String("late") == "pass";

  OperatorPlan plan;
  plan.outputs = {{"", config.count.output, config.count.event_time_field},
                  {"late", config.count.input, config.count.event_time_field}};
  plan.key = config.count.key_fields;
  plan.notes = {absl::StrCat("state: at most ", config.cap, " times per key, each kept for ",
                             FormatDuration(AddTimes(2 * config.window_ms, config.lateness_ms)),
                             " of event time")};
  plan.create = [config]() -> StatusOr<std::unique_ptr<Operator>> {
    WEIR_ASSIGN_OR_RETURN(RowCondition where,
                          RowCondition::Create(config.count.where, *config.count.input));
    return std::make_unique<SlidingCount>(config, std::move(where));
  };
  return plan;
}

std::vector<OptionDef> SlidingCountOptions() {
  constexpr double kMaxDurationMs = 100.0 * 365 * 86'400'000;
  OptionDef window;
  window.name = "window";
  window.type = OptionType::kDuration;
  window.required = true;
  window.min = 1;
  window.max = kMaxDurationMs;
  window.doc = "Rows count together if their event times differ by strictly less than this.";
  OptionDef lateness;
  lateness.name = "allowed_lateness";
  lateness.type = OptionType::kDuration;
  lateness.default_text = "0s";
  lateness.min = 0;
  lateness.max = kMaxDurationMs;
  lateness.doc =
      "A row is late once the watermark has passed its event time by window + this; "
      "state is kept for so much longer.";
  OptionDef cap;
  cap.name = "cap";
  cap.type = OptionType::kInt;
  cap.default_text = "1000";
  cap.min = 1;
  cap.max = 1 << 20;
  cap.doc = "The highest count, and the most event times kept per key (8 bytes each).";
  OptionDef late;
  late.name = "late";
  late.default_text = "pass";
  late.allowed = {"pass", "side_output"};
  late.doc =
      "pass: late rows go on with count 0 and are copied to 'late'; side_output: only there.";
  return {window, lateness, cap, late};
}

}  // namespace

OperatorType MakeSlidingCountType() {
  OperatorType type;
  type.name = "sliding_count";
  type.doc =
      "Adds to every row how many rows of its key lie within a span of event time around it.";
  type.options = CountOptions();
  for (OptionDef& option : SlidingCountOptions()) type.options.push_back(std::move(option));
  type.plan = PlanSlidingCount;
  return type;
}

}  // namespace weir
