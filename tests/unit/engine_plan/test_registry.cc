#include "test_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/expr/program.h"

namespace weir {
namespace {

OptionDef Option(std::string name, OptionType type, std::string doc = "A test option.") {
  OptionDef def;
  def.name = std::move(name);
  def.type = type;
  def.doc = std::move(doc);
  return def;
}

OptionDef Required(OptionDef def) {
  def.required = true;
  return def;
}

OptionDef Range(OptionDef def, double min, double max, std::string preset = "") {
  def.min = min;
  def.max = max;
  def.default_text = std::move(preset);
  return def;
}

OptionDef OneOf(OptionDef def, std::vector<std::string> allowed) {
  def.default_text = allowed[0];
  def.allowed = std::move(allowed);
  return def;
}

StatusOr<std::unique_ptr<Operator>> NoOperator() {
  return Err(ErrorCode::kInternal, "these operators only plan");
}

// Compiles the option for the first input; false after an error.
bool CheckWhere(const OperatorPlanContext& context) {
  if (!context.options->Has("where")) return true;
  ExprOptions options;
  options.result = TypeKind::kBool;
  const auto program =
      CompileExpr(context.options->String("where"), *context.inputs[0].schema, options);
  if (!program.ok()) context.errors->Add("where", program.status());
  return program.ok();
}

OperatorPlan PlanWith(std::vector<OperatorPlan::Output> outputs, std::vector<std::string> key) {
  OperatorPlan plan;
  plan.outputs = std::move(outputs);
  plan.stateful = !key.empty();
  plan.key = std::move(key);
  plan.create = NoOperator;
  return plan;
}

std::optional<OperatorPlan> PlanFilter(const OperatorPlanContext& context) {
  if (!CheckWhere(context)) return std::nullopt;
  const PlanInput& in = context.inputs[0];
  return PlanWith({{"", in.schema, in.event_time_field}, {"errors", in.schema, -1}}, {});
}

std::optional<OperatorPlan> PlanCount(const OperatorPlanContext& context) {
  if (!CheckWhere(context)) return std::nullopt;
  std::vector<Field> fields = context.inputs[0].schema->fields();
  fields.push_back({context.options->String("as"), Type{TypeKind::kInt64, {}}, false});
  return PlanWith({{"", MakeSchema(std::move(fields)), context.inputs[0].event_time_field}},
                  context.options->List("key"));
}

std::optional<OperatorPlan> PlanRename(const OperatorPlanContext& context) {
  std::vector<Field> fields;
  for (const auto& [name, from] : context.options->Get("fields").entries) {
    const int index = context.inputs[0].schema->Find(from);
    if (index < 0) {
      context.errors->Add(
          absl::StrCat("fields.", name),
          Err(ErrorCode::kPlanSchema, absl::StrCat("there is no field '", from, "'")));
      return std::nullopt;
    }
    fields.push_back(context.inputs[0].schema->field(index));
    fields.back().name = name;
  }
  return PlanWith({{"", MakeSchema(std::move(fields)), -1}}, {});
}

std::optional<OperatorPlan> PlanJoin(const OperatorPlanContext& context) {
  return PlanWith({{"", context.inputs[0].schema, -1}}, context.options->List("key"));
}

std::optional<OperatorPlan> PlanGuard(const OperatorPlanContext& context) {
  if (!CheckWhere(context)) return std::nullopt;
  const SchemaPtr in = context.inputs[0].schema;
  if (context.options->Has("mask")) {
    for (const auto& [name, how] : context.options->Get("mask").entries) {
      if (in->Find(name) >= 0) continue;
      context.errors->Add(
          absl::StrCat("mask.", name),
          Err(ErrorCode::kPlanSchema, absl::StrCat("there is no field '", name, "'")));
    }
  }
  OperatorPlan plan = PlanWith({{"", in, context.inputs[0].event_time_field},
                                {"decisions", in, -1},
                                {"dead_letter", in, -1}},
                               context.options->List("key"));
  plan.control.push_back({absl::StrCat("_rules.", context.uid), in});
  plan.internal_topics = {absl::StrCat("_rules.", context.uid)};
  plan.notes = {"rules: at most 100"};
  return plan;
}

OperatorType MakeType(std::string name, std::vector<OptionDef> options,
                      std::optional<OperatorPlan> (*plan)(const OperatorPlanContext&)) {
  OperatorType type;
  type.doc = absl::StrCat("The ", name, " of the tests.");
  type.name = std::move(name);
  type.options = std::move(options);
  type.plan = plan;
  return type;
}

OperatorType MakeCount() {
  OptionDef as = Option("as", OptionType::kString);
  as.default_text = "count";
  return MakeType("count",
                  {Required(Option("key", OptionType::kStringList, "Fields that make the key.")),
                   Option("where", OptionType::kExpr),
                   Range(Option("window", OptionType::kDuration), 1000, 86'400'000, "10m"),
                   Range(Option("limit", OptionType::kInt), 1, 1000),
                   Range(Option("factor", OptionType::kDouble), 0, 1),
                   Range(Option("memory", OptionType::kSize), 1024, 1 << 30), as,
                   OneOf(Option("mode", OptionType::kString), {"exact", "sketch"}),
                   Option("trace", OptionType::kBool), Option("labels", OptionType::kStringMap)},
                  PlanCount);
}

OperatorType MakeGuard() {
  OptionDef agent = Option("agent", OptionType::kTable);
  agent.default_text = "{}";
  OptionDef endpoint = Option("endpoint", OptionType::kString);
  endpoint.default_text = "embedded";
  agent.table = {endpoint, Range(Option("capacity", OptionType::kInt), 1, 100'000, "1000"),
                 Range(Option("timeout", OptionType::kDuration), 1, 3'600'000, "30s")};
  return MakeType("guard",
                  {Required(Option("key", OptionType::kStringList)), agent,
                   Option("where", OptionType::kExpr), Option("mask", OptionType::kStringMap),
                   OneOf(Option("on_error", OptionType::kString), {"fail", "dead_letter"}),
                   Range(Option("password", OptionType::kInt), 0, 9)},
                  PlanGuard);
}

Registry MakeRegistry() {
  Registry registry;
  const auto add = [&registry](OperatorType type) {
    WEIR_CHECK(registry.AddOperator(std::move(type)).ok());
  };
  add(MakeType("filter", {Required(Option("where", OptionType::kExpr, "CEL."))}, PlanFilter));
  add(MakeCount());
  add(MakeType("rename", {Required(Option("fields", OptionType::kStringMap))}, PlanRename));
  OperatorType join =
      MakeType("join", {Required(Option("key", OptionType::kStringList))}, PlanJoin);
  join.mixed_inputs = true;
  add(std::move(join));
  add(MakeGuard());
  add(MakeType("sulk", {}, [](const OperatorPlanContext&) -> std::optional<OperatorPlan> {
    return std::nullopt;
  }));
  WEIR_CHECK(registry.AddFormat({"json", "JSON.", nullptr}).ok());
  WEIR_CHECK(registry.AddLog({"dir", "Files.", nullptr}).ok());
  WEIR_CHECK(registry.AddLog({"kafka", "Kafka.", nullptr}).ok());
  WEIR_CHECK(registry.AddStateBackend({"memory", nullptr}).ok());
  WEIR_CHECK(registry.AddAgentChannel({"embedded", nullptr}).ok());
  return registry;
}

}  // namespace

const Registry& TestRegistry() {
  static const Registry registry = MakeRegistry();
  return registry;
}

LoadResult LoadText(const std::string& text, const std::vector<std::string>& overrides,
                    const Variables& variables, const std::string& file) {
  PlanSource source;
  source.file = file;
  source.text = text;
  source.overrides = overrides;
  source.variable = [variables](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
  LoadResult result;
  result.loaded = LoadPlan(source, TestRegistry(), &result.diagnostics);
  result.report = result.diagnostics.Render();
  return result;
}

std::string SmallTopology(const std::string& rest, const std::string& job) {
  return absl::StrCat("weir: 1\njob: { ", job, " }\nsources:\n  in:\n    topic: raw\n",
                      "    schema: { host: string, line: int64, ts: timestamp_ms, ip: string? }\n",
                      "    event_time: { field: ts }\n    on_error: fail\n", rest);
}

}  // namespace weir
