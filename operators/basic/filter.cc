#include "operators/basic/filter.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/core/operator.h"
#include "engine/expr/program.h"

namespace weir {
namespace {

constexpr int kPass = 0, kErrors = 1;

class Filter : public Operator {
 public:
  explicit Filter(std::unique_ptr<ExprProgram> where) : where_(std::move(where)) {}

  Status Open(OperatorContext* context, Collector* out) override {
    error_count_ =
        context->metrics()->GetCounter("weir_expression_errors_total", context->labels());
    return Operator::Open(context, out);
  }

  Status Process(int /*input*/, RecordBatch batch) override {
    pass_.clear();
    failed_.clear();
    error_.clear();
    where_->Filter(batch, &pass_, &failed_, &error_);
    if (!failed_.empty()) EmitFailed(batch);
    if (pass_.size() == batch.rows()) {
      out()->Emit(kPass, std::move(batch));
    } else if (!pass_.empty()) {
      RecordBatch passed(batch.schema());
      passed.Gather(batch, pass_);
      out()->Emit(kPass, std::move(passed));
    }
    return absl::OkStatus();
  }

 private:
  void EmitFailed(const RecordBatch& batch) {
    // One line a subtask: a bad record is no event for the log, an expression that can fail is.
    if (error_count_->Get() == 0) {
      const OperatorInfo& info = context()->info();
      Log(LogLevel::kWarning, info.name, absl::StrCat("where: ", error_), {info.uid, info.subtask});
    }
    error_count_->Add(static_cast<int64_t>(failed_.size()));
    RecordBatch failed(batch.schema());
    failed.Gather(batch, failed_);
    out()->Emit(kErrors, std::move(failed));
  }

  std::unique_ptr<ExprProgram> where_;
  std::vector<uint32_t> pass_, failed_;
  std::string error_;
  Counter* error_count_ = nullptr;
};

ExprOptions BoolExpr() {
  ExprOptions options;
  options.result = TypeKind::kBool;
  return options;
}

std::optional<OperatorPlan> PlanFilter(const OperatorPlanContext& context) {
  const PlanInput& input = context.inputs[0];
  const std::string where = context.options->String("where");
  if (auto program = CompileExpr(where, *input.schema, BoolExpr()); !program.ok()) {
    context.errors->Add("where", program.status());
    return std::nullopt;
  }
  OperatorPlan plan;
  plan.outputs = {{"", input.schema, input.event_time_field},
                  {"errors", input.schema, input.event_time_field}};
  plan.stateful = false;
  // A program has scratch of its own, so every subtask compiles one.
  plan.create = [where, schema = input.schema]() -> StatusOr<std::unique_ptr<Operator>> {
    WEIR_ASSIGN_OR_RETURN(auto program, CompileExpr(where, *schema, BoolExpr()));
    return std::make_unique<Filter>(std::move(program));
  };
  return plan;
}

}  // namespace

OperatorType MakeFilterType() {
  OperatorType type;
  type.name = "filter";
  type.doc =
      "Lets pass the rows for which an expression is true; rows on which it fails go to 'errors'.";
  OptionDef where;
  where.name = "where";
  where.type = OptionType::kExpr;
  where.required = true;
  where.doc = "CEL expression over the input's fields; null counts as false.";
  type.options = {where};
  type.plan = PlanFilter;
  return type;
}

}  // namespace weir
