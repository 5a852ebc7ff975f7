#include "operators/basic/union.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/operator.h"

namespace weir {
namespace {

class Union : public Operator {
 public:
  explicit Union(SchemaPtr schema) : schema_(std::move(schema)) {}

  Status Process(int /*input*/, RecordBatch batch) override {
    // Equal schemas may be different objects; which one a batch carries is of no consequence.
    WEIR_CHECK(batch.schema() == schema_ || *batch.schema() == *schema_);
    out()->Emit(0, std::move(batch));
    return absl::OkStatus();
  }

 private:
  SchemaPtr schema_;
};

std::optional<OperatorPlan> PlanUnion(const OperatorPlanContext& context) {
  const PlanInput& first = context.inputs[0];
  int event_time_field = first.event_time_field;
  bool ok = true;
  for (const PlanInput& input : context.inputs) {
    if (input.event_time_field != event_time_field) event_time_field = -1;
    if (*input.schema == *first.schema) continue;
    ok = false;
    context.errors->Add(
        "", Err(ErrorCode::kPlanSchema,
                absl::StrCat("input '", input.name, "' has ", input.schema->ToString(), ", input '",
                             first.name, "' has ", first.schema->ToString()),
                "a union needs inputs of one schema; bring them to it with 'select'"));
  }
  if (!ok) return std::nullopt;
  OperatorPlan plan;
  plan.outputs = {{"", first.schema, event_time_field}};
  plan.stateful = false;
  plan.create = [schema = first.schema]() -> StatusOr<std::unique_ptr<Operator>> {
    return std::make_unique<Union>(schema);
  };
  return plan;
}

}  // namespace

OperatorType MakeUnionType() {
  OperatorType type;
  type.name = "union";
  type.doc = "Puts several inputs of one schema into one stream.";
  type.plan = PlanUnion;
  return type;
}

}  // namespace weir
