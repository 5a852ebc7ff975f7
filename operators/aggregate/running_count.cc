#include "operators/aggregate/running_count.h"

#include <memory>
#include <utility>
#include <vector>

#include "engine/core/operator.h"
#include "engine/core/state.h"
#include "operators/aggregate/batch_helpers.h"
#include "operators/aggregate/count_plan.h"

namespace weir {
namespace {

class RunningCount : public Operator {
 public:
  RunningCount(const CountPlan& plan, RowCondition where, bool include_current)
      : output_(plan.output),
        keyed_(plan.key),
        where_(std::move(where)),
        include_current_(include_current) {}

  Status Open(OperatorContext* context, Collector* out) override {
    where_.CountErrors(
        context->metrics()->GetCounter("weir_expression_errors_total", context->labels()));
    ValueState<int64_t> count;
    WEIR_RETURN_IF_ERROR(count.Open(context, "count"));
    table_ = count.table();
    return Operator::Open(context, out);
  }

  Status Process(int /*input*/, RecordBatch batch) override {
    const std::span<const uint32_t> counted = where_.Select(batch);
    const std::span<const StateKey> keys = keyed_.Load(batch, all_.Select(batch), table_);
    Column counts(Type{TypeKind::kInt64, {}});
    counts.Reserve(batch.rows());
    size_t next = 0;
    for (uint32_t row = 0; row < keys.size(); ++row) {
      const bool matches = next < counted.size() && counted[next] == row;
      next += matches ? 1 : 0;
      counts.AppendInt(matches ? CountRow(keys[row]) : Read(keys[row]));
    }
    out()->Emit(0, AppendColumn(output_, std::move(batch), std::move(counts)));
    return absl::OkStatus();
  }

 private:
  int64_t CountRow(const StateKey& key) {
    bool created;
    const int64_t count = ++*static_cast<int64_t*>(table_->FindOrCreate(key, &created));
    return include_current_ ? count : count - 1;
  }
  // Creates nothing: keys that are never counted take no state.
  int64_t Read(const StateKey& key) {
    const void* count = table_->Find(key);
    return count == nullptr ? 0 : *static_cast<const int64_t*>(count);
  }

  SchemaPtr output_;
  KeyedRows keyed_;
  RowCondition where_;
  RowCondition all_;
  bool include_current_;
  StateTable* table_ = nullptr;
};

std::optional<OperatorPlan> PlanRunningCount(const OperatorPlanContext& context) {
  const std::optional<CountPlan> count = PlanCount(context);
  if (!count.has_value()) return std::nullopt;
  OperatorPlan plan;
  plan.outputs = {{"", count->output, count->event_time_field}};
  plan.key = count->key_fields;
  plan.notes = {"state: one number per counted key, kept for ever"};
  plan.create = [count = *count, include_current = context.options->Bool(
                                     "include_current")]() -> StatusOr<std::unique_ptr<Operator>> {
    WEIR_ASSIGN_OR_RETURN(RowCondition where, RowCondition::Create(count.where, *count.input));
    return std::make_unique<RunningCount>(count, std::move(where), include_current);
  };
  return plan;
}

}  // namespace

OperatorType MakeRunningCountType() {
  OperatorType type;
  type.name = "running_count";
  type.doc = "Adds to every row how many rows of its key satisfied a condition so far.";
  type.options = CountOptions();
  OptionDef include;
  include.name = "include_current";
  include.type = OptionType::kBool;
  include.default_text = "true";
  include.doc = "Whether a row that satisfies the condition counts itself.";
  type.options.push_back(include);
  type.plan = PlanRunningCount;
  return type;
}

}  // namespace weir
