#include "operators/basic/select.h"

#include <algorithm>
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

constexpr int kRows = 0, kErrors = 1;

// One field of the output.
struct Projection {
  int column = -1;         // the input's column that it is, or -1: it is computed
  bool last_use = false;   // no later projection needs that column: it can be moved
  std::string expression;  // CEL text if computed
  std::unique_ptr<ExprProgram> program;
};

class Select : public Operator {
 public:
  Select(SchemaPtr schema, std::vector<Projection> projections)
      : schema_(std::move(schema)), projections_(std::move(projections)) {}

  Status Open(OperatorContext* context, Collector* out) override {
    error_count_ =
        context->metrics()->GetCounter("weir_expression_errors_total", context->labels());
    return Operator::Open(context, out);
  }

  Status Process(int input, RecordBatch batch) override {
    RecordBatch result(schema_);
    failed_.clear();
    for (size_t i = 0; i < projections_.size(); ++i) {
      if (projections_[i].program == nullptr) continue;
      projections_[i].program->EvalColumn(batch, &result.column(static_cast<int>(i)), &failed_,
                                          &error_);
    }
    if (!failed_.empty()) {
      // Expressions have no side effects: the rows that are left will all succeed.
      RecordBatch good = SplitFailed(batch);
      return good.empty() ? absl::OkStatus() : Process(input, std::move(good));
    }
    TakeColumns(&batch, &result);
    out()->Emit(kRows, std::move(result));
    return absl::OkStatus();
  }

 private:
  // Emits the rows in failed_ on the side output and returns the others.
  RecordBatch SplitFailed(const RecordBatch& batch) {
    std::sort(failed_.begin(), failed_.end());
    failed_.erase(std::unique(failed_.begin(), failed_.end()), failed_.end());
    if (error_count_->Get() == 0) {
      const OperatorInfo& info = context()->info();
      Log(LogLevel::kWarning, info.name, absl::StrCat("fields: ", error_),
          {info.uid, info.subtask});
    }
    error_count_->Add(static_cast<int64_t>(failed_.size()));
    RecordBatch failed(batch.schema());
    failed.Gather(batch, failed_);
    out()->Emit(kErrors, std::move(failed));

    std::vector<uint32_t> rest;
    for (uint32_t row = 0, f = 0; row < batch.rows(); ++row) {
      if (f < failed_.size() && failed_[f] == row) {
        ++f;
      } else {
        rest.push_back(row);
      }
    }
    RecordBatch good(batch.schema());
    good.Gather(batch, rest);
    return good;
  }

  void TakeColumns(RecordBatch* from, RecordBatch* to) {
    for (size_t i = 0; i < projections_.size(); ++i) {
      const Projection& p = projections_[i];
      if (p.column < 0) continue;
      Column& target = to->column(static_cast<int>(i));
      if (p.last_use) {
        target = std::move(from->column(p.column));
      } else {
        target.AppendRange(from->column(p.column), 0, from->rows());
      }
    }
    to->event_time = std::move(from->event_time);
    to->origin = std::move(from->origin);
    to->emit = std::move(from->emit);
    to->key_group = std::move(from->key_group);
    to->key_hash = std::move(from->key_hash);
  }

  SchemaPtr schema_;
  std::vector<Projection> projections_;
  std::vector<uint32_t> failed_;
  std::string error_;
  Counter* error_count_ = nullptr;
};

bool IsIdentifier(const std::string& name) {
  const auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  return !name.empty() && (letter(name[0]) || name[0] == '_') &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); });
}

// The output field of one entry: a field of the input under a new name, or what an expression
// gives.
StatusOr<Field> PlanField(const std::string& name, const std::string& text, const Schema& schema) {
  if (!IsIdentifier(name)) {
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", name, "' is no field name"),
               "letters, digits and '_', not beginning with a digit");
  }
  if (const int column = schema.Find(text); column >= 0) {
    Field field = schema.field(column);
    field.name = name;
    return field;
  }
  WEIR_ASSIGN_OR_RETURN(const auto program, CompileExpr(text, schema));
  const std::optional<Type> type = program->type();
  if (!type.has_value() || !type->children.empty()) {
    return Err(ErrorCode::kExprType,
               type.has_value()
                   ? absl::StrCat("a computed field cannot have type ", type->ToString())
                   : "the expression's type is only known at run time",
               "convert it, for example with string(...) or int(...)");
  }
  return Field{name, *type, true};
}

std::vector<Projection> MakeProjections(const OptionValue& fields, const Schema& schema) {
  std::vector<Projection> projections(fields.entries.size());
  std::vector<bool> needed_later(static_cast<size_t>(schema.size()), false);
  for (size_t i = projections.size(); i-- > 0;) {
    Projection& p = projections[i];
    p.column = schema.Find(fields.entries[i].second);
    if (p.column < 0) {
      p.expression = fields.entries[i].second;
      continue;
    }
    p.last_use = !needed_later[static_cast<size_t>(p.column)];
    needed_later[static_cast<size_t>(p.column)] = true;
  }
  return projections;
}

StatusOr<std::unique_ptr<Operator>> CreateSelect(const OptionValue& fields, const SchemaPtr& input,
                                                 const SchemaPtr& output) {
  std::vector<Projection> projections = MakeProjections(fields, *input);
  for (Projection& p : projections) {
    if (p.column >= 0) continue;
    WEIR_ASSIGN_OR_RETURN(p.program, CompileExpr(p.expression, *input));
  }
  return std::make_unique<Select>(output, std::move(projections));
}

std::optional<OperatorPlan> PlanSelect(const OperatorPlanContext& context) {
  const PlanInput& input = context.inputs[0];
  const OptionValue& fields = context.options->Get("fields");
  std::vector<Field> made;
  int event_time_field = -1;
  for (const auto& [name, text] : fields.entries) {
    StatusOr<Field> field = PlanField(name, text, *input.schema);
    if (!field.ok()) {
      context.errors->Add(absl::StrCat("fields.", name), field.status());
      continue;
    }
    const int column = input.schema->Find(text);
    if (column >= 0 && column == input.event_time_field && event_time_field < 0) {
      event_time_field = static_cast<int>(made.size());
    }
    made.push_back(*std::move(field));
  }
  if (fields.entries.empty()) {
    context.errors->Add("fields", Err(ErrorCode::kConfigBadValue, "no fields are given"));
  }
  if (made.empty() || made.size() != fields.entries.size()) return std::nullopt;

  OperatorPlan plan;
  const SchemaPtr schema = MakeSchema(std::move(made));
  plan.outputs = {{"", schema, event_time_field}, {"errors", input.schema, input.event_time_field}};
  plan.stateful = false;
  plan.create = [fields, schema, from = input.schema] {
    return CreateSelect(fields, from, schema);
  };
  return plan;
}

}  // namespace

OperatorType MakeSelectType() {
  OperatorType type;
  type.name = "select";
  type.doc = "Makes rows of a new schema; rows on which an expression fails go to 'errors'.";
  OptionDef fields;
  fields.name = "fields";
  fields.type = OptionType::kStringMap;
  fields.required = true;
  fields.doc = "The output's fields in order, each a field of the input or a CEL expression.";
  type.options = {fields};
  type.plan = PlanSelect;
  return type;
}

}  // namespace weir
