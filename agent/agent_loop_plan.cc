#include "agent/agent_loop_plan.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/agent_loop_operator.h"
#include "agent/agent_loop_options.h"
#include "agent/event_view.h"
#include "engine/expr/program.h"

namespace weir {

namespace {

// Counts, so that all mistakes of one operator are told at once.
class Checks {
 public:
  explicit Checks(PlanErrors* errors) : errors_(errors) {}
  bool Check(std::string_view option, const Status& status) {
    if (status.ok()) return true;
    errors_->Add(option, status);
    ok_ = false;
    return false;
  }
  bool ok() const { return ok_; }

 private:
  PlanErrors* errors_;
  bool ok_ = true;
};

// The options' own errors count as well.
class CountingErrors : public PlanErrors {
 public:
  explicit CountingErrors(PlanErrors* to) : to_(to) {}
  void Add(std::string_view option, const Status& status) override {
    ++count;
    to_->Add(option, status);
  }
  int count = 0;

 private:
  PlanErrors* to_;
};

bool IsPrimitive(TypeKind kind) {
  return kind != TypeKind::kJson && kind != TypeKind::kList && kind != TypeKind::kStruct &&
         kind != TypeKind::kMap;
}

std::vector<std::string> CarryNames(const OperatorPlanContext& context) {
  if (context.options->Has("carry")) return context.options->List("carry");
  std::vector<std::string> names;
  for (const Field& field : context.inputs[0].schema->fields()) {
    if (IsPrimitive(field.type.kind)) names.push_back(field.name);
  }
  return names;
}

void ReadCarry(const OperatorPlanContext& context, AgentLoopConfig* config, Checks* checks) {
  static const std::set<std::string> kTaken = {"verdict", "rule_id", "rule_version", "request_id",
                                               "seq",     "action",  "action_id",    "expires_ts"};
  std::set<std::string> seen;
  for (const std::string& name : CarryNames(context)) {
    const int column = config->input->Find(name);
    if (column < 0) {
      checks->Check("carry", Err(ErrorCode::kPlanSchema,
                                 absl::StrCat("the input has no field '", name, "'")));
    } else if (kTaken.count(name) != 0 || !seen.insert(name).second) {
      checks->Check("carry", Err(ErrorCode::kPlanSchema,
                                 absl::StrCat("'", name, "' is a column of the outputs already"),
                                 "name the fields to carry in `carry`"));
    } else {
      config->carry.push_back(column);
    }
  }
}

void MakeSchemas(AgentLoopConfig* config) {
  std::vector<Field> carry;
  for (const int column : config->carry) carry.push_back(config->input->field(column));
  const Type string{TypeKind::kString, {}};
  const Type int64{TypeKind::kInt64, {}};
  std::vector<Field> decisions = carry, blocked = carry;
  decisions.insert(decisions.end(), {{"verdict", string, false},
                                     {"rule_id", string, true},
                                     {"rule_version", int64, true},
                                     {"request_id", string, false},
                                     {"seq", int64, false}});
  blocked.push_back({"rule_id", string, false});
  std::vector<Field> actions = {{"action_id", string, false},
                                {"action", string, false},
                                {"request_id", string, false},
                                {"verdict", string, false},
                                {"rule_id", string, true}};
  actions.insert(actions.end(), carry.begin(), carry.end());
  actions.push_back({"expires_ts", Type{TypeKind::kTimestamp, {}}, true});
  config->decisions = MakeSchema(std::move(decisions));
  config->blocked = MakeSchema(std::move(blocked));
  config->actions = MakeSchema(std::move(actions));
}

void CheckNovelty(AgentLoopConfig* config, Checks* checks) {
  ExprOptions options;
  options.result = TypeKind::kBool;
  const auto program = CompileExpr(config->escalate_when, *config->input, options);
  if (!checks->Check("escalate_when", program.status())) return;
  config->mask.novelty = (*program)->columns();
}

void CheckMask(const AgentLoopConfig& config, Checks* checks) {
  for (const auto& [name, mode] : config.mask.modes) {
    Masking::Config one = config.mask;
    one.modes = {{name, mode}};
    one.signature.clear();
    checks->Check(absl::StrCat("mask.", name), Masking::Create(*config.input, one).status());
  }
  if (!checks->ok()) return;
  const StatusOr<Masking> masking = Masking::Create(*config.input, config.mask);
  if (!checks->Check("mask", masking.status())) return;
  if (config.endpoint == "embedded" && !masking->HasNovelty()) {
    checks->Check("mask", Err(ErrorCode::kConfigBadValue,
                              "the embedded agent would see no field of escalate_when",
                              "keep at least one of them, or it can only release"));
  }
}

void CheckFields(const AgentLoopConfig& config, Checks* checks) {
  const Schema& schema = *config.input;
  checks->Check("signature", Signature::Create(schema, config.signature).status());
  if (config.key != config.signature) {
    checks->Check("key", KeySelector::Create(schema, config.key).status());
  }
  checks->Check("id", RequestIdMaker::Create(schema, "", "", "", config.id).status());
  checks->Check("rules.protected",
                ProtectedValues::Create(schema, config.protected_values).status());
}

int CarriedTime(const AgentLoopConfig& config, int event_time_field, int first) {
  for (size_t i = 0; i < config.carry.size(); ++i) {
    if (config.carry[i] == event_time_field) return first + static_cast<int>(i);
  }
  return -1;
}

OperatorPlan MakePlan(const OperatorPlanContext& context,
                      const std::shared_ptr<const AgentLoopConfig>& config) {
  OperatorPlan plan;
  const int time = context.inputs[0].event_time_field;
  const auto output = [&](std::string name, SchemaPtr schema, int event_time_field) {
    OperatorPlan::Output& out = plan.outputs.emplace_back();
    out.name = std::move(name);
    out.schema = std::move(schema);
    out.event_time_field = event_time_field;
  };
  output("", config->input, time);
  output("decisions", config->decisions, CarriedTime(*config, time, 0));
  output("blocked", config->blocked, CarriedTime(*config, time, 0));
  output("actions", config->actions, CarriedTime(*config, time, 5));
  plan.key = config->key;
  const SchemaPtr line = MakeSchema({{"value", Type{TypeKind::kString, {}}, false}});
  plan.control = {{config->rule_topic(), line}};
  plan.internal_topics = {config->rule_topic(), config->decision_topic()};
  plan.create = [config]() -> StatusOr<std::unique_ptr<Operator>> {
    return std::make_unique<AgentLoopOperator>(config);
  };
  plan.notes = {
      absl::StrCat("asks '", config->endpoint, "' at most once per signature (",
                   absl::StrJoin(config->signature, ", "), ") at a time"),
      absl::StrCat("decisions are durable in ", config->decision_topic(), " before they are shown"),
      absl::StrCat("rules live in ", config->rule_topic(), ", at most ", config->max_active)};
  return plan;
}

std::optional<OperatorPlan> PlanAgentLoop(const OperatorPlanContext& context) {
  if (context.inputs.size() != 1) {
    context.errors->Add("", Err(ErrorCode::kPlanSchema, "agent_loop has exactly one input"));
    return std::nullopt;
  }
  CountingErrors errors(context.errors);
  OperatorPlanContext counted = context;
  counted.errors = &errors;
  const std::shared_ptr<AgentLoopConfig> config = ReadAgentLoopOptions(counted);
  Checks checks(&errors);
  CheckFields(*config, &checks);
  ReadCarry(counted, config.get(), &checks);
  CheckNovelty(config.get(), &checks);
  CheckMask(*config, &checks);
  if (errors.count > 0) return std::nullopt;
  MakeSchemas(config.get());
  return MakePlan(context, config);
}

}  // namespace

OperatorType MakeAgentLoopType() {
  OperatorType type;
  type.name = "agent_loop";
  type.doc = "Answers what is known by rules, leads what is new to an agent, once per signature.";
  type.options = AgentLoopOptions();
  type.plan = PlanAgentLoop;
  return type;
}

}  // namespace weir
