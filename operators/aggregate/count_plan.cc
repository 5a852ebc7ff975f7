#include "operators/aggregate/count_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "operators/aggregate/batch_helpers.h"

namespace weir {
namespace {

bool IsIdentifier(const std::string& name) {
  const auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  return !name.empty() && (letter(name[0]) || name[0] == '_') &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); });
}

Status CheckNewField(const std::string& name, const Schema& schema) {
  if (!IsIdentifier(name)) {
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", name, "' is no field name"),
               "letters, digits and '_', not beginning with a digit");
  }
  if (schema.Find(name) < 0) return absl::OkStatus();
  return Err(ErrorCode::kPlanSchema, absl::StrCat("the input already has a field '", name, "'"),
             "choose another name with 'as'");
}

}  // namespace

std::optional<CountPlan> PlanCount(const OperatorPlanContext& context) {
  const PlanInput& input = context.inputs[0];
  const Options& options = *context.options;
  CountPlan plan;
  bool ok = true;
  const auto check = [&](const char* option, const Status& status) {
    if (status.ok()) return;
    context.errors->Add(option, status);
    ok = false;
  };

  plan.key_fields = options.List("key");
  StatusOr<KeySelector> key = KeySelector::Create(*input.schema, plan.key_fields);
  check("key", key.status());
  if (plan.key_fields.empty()) check("key", Err(ErrorCode::kPlanKey, "key names no field"));
  if (options.Has("where")) plan.where = options.String("where");
  check("where", RowCondition::Create(plan.where, *input.schema).status());
  const std::string& as = options.String("as");
  check("as", CheckNewField(as, *input.schema));
  if (!ok) return std::nullopt;

  plan.key = *std::move(key);
  plan.input = input.schema;
  plan.event_time_field = input.event_time_field;
  std::vector<Field> fields = input.schema->fields();
  fields.push_back({as, Type{TypeKind::kInt64, {}}, false});
  plan.output = MakeSchema(std::move(fields));
  return plan;
}

std::vector<OptionDef> CountOptions() {
  OptionDef key;
  key.name = "key";
  key.type = OptionType::kStringList;
  key.required = true;
  key.doc =
      "Field or fields that each have a count of their own; rows without any share one count.";
  OptionDef where;
  where.name = "where";
  where.type = OptionType::kExpr;
  where.doc = "CEL condition that a row must satisfy to be counted; without it every row is.";
  OptionDef as;
  as.name = "as";
  as.default_text = "count";
  as.doc = "Name of the int64 field that is added to the rows.";
  return {key, where, as};
}

}  // namespace weir
