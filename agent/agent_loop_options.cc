#include "agent/agent_loop_options.h"

#include "absl/strings/str_cat.h"

namespace weir {

namespace {

OptionDef Def(std::string name, OptionType type, std::string default_text, std::string doc) {
  OptionDef d;
  d.name = std::move(name);
  d.type = type;
  d.default_text = std::move(default_text);
  d.doc = std::move(doc);
  return d;
}

OptionDef Required(OptionDef d) {
  d.required = true;
  return d;
}

OptionDef AtLeast(double min, OptionDef d) {
  d.min = min;
  return d;
}

OptionDef OneOf(std::vector<std::string> allowed, OptionDef d) {
  d.allowed = std::move(allowed);
  return d;
}

OptionDef Table(std::string name, std::string doc, std::vector<OptionDef> table) {
  OptionDef d = Def(std::move(name), OptionType::kTable, "{}", std::move(doc));
  d.table = std::move(table);
  return d;
}

OptionDef FailSafeTable() {
  return Table("fail_safe", "What is decided when the agent is late, broken or at capacity.",
               {Def("verdict", OptionType::kString, "hold", "The verdict; never `release`."),
                Def("action", OptionType::kString, "none",
                    "The action on the `actions` output, or `none`.")});
}

OptionDef AgentTable() {
  using T = OptionType;
  return Table(
      "agent", "Who is asked, and how patiently.",
      {Def("endpoint", T::kString, "embedded", "`embedded`, or the address of an agent service."),
       OneOf({"global", "key", "none"},
             Def("order", T::kString, "key", "In which order results leave.")),
       AtLeast(1, Def("capacity", T::kInt, "1000", "Requests under way at the same time.")),
       AtLeast(1, Def("timeout", T::kDuration, "30s",
                      "From the first attempt until the fail-safe decides.")),
       AtLeast(1, Def("attempt_timeout", T::kDuration, "10s",
                      "Until a request without reply is sent again.")),
       OneOf({"failsafe", "backpressure"},
             Def("at_capacity", T::kString, "failsafe",
                 "Beyond the capacity or the waiters: decide by the fail-safe, or take no input.")),
       AtLeast(0, Def("waiters_per_signature", T::kInt, "10000",
                      "Look-alikes that may wait for one answer.")),
       AtLeast(0, Def("waiters", T::kInt, "100000", "Look-alikes that may wait in all.")),
       FailSafeTable()});
}

OptionDef RulesTable() {
  using T = OptionType;
  return Table(
      "rules", "What a rule may be.",
      {AtLeast(1, Def("default_ttl", T::kDuration, "24h",
                      "Lifetime of a rule that names none, in event time.")),
       AtLeast(1, Def("max_ttl", T::kDuration, "24h", "Longest lifetime, in event time.")),
       AtLeast(1, Def("max_active", T::kInt, "100000", "Rules that stand at the same time.")),
       AtLeast(1, Def("max_per_minute", T::kInt, "6000", "New rules a minute, over all subtasks.")),
       OneOf({"signature", "any"},
             Def("scope", T::kString, "signature",
                 "`signature`: a rule pins every signature field to the event's value.")),
       Def("actions", T::kStringList, "[block]", "Actions that a rule may have."),
       Def("protected", T::kStringList, "[]",
           "`field=value`: events with such a value are never answered by a rule.")});
}

void ReadAgent(const OperatorPlanContext& context, AgentLoopConfig* config) {
  const Options& agent = context.options->Table("agent");
  config->endpoint = agent.String("endpoint");
  const std::string& order = agent.String("order");
  config->order = order == "global" ? AsyncOrder::kGlobal
                  : order == "none" ? AsyncOrder::kNone
                                    : AsyncOrder::kKey;
  config->capacity = static_cast<size_t>(agent.Int("capacity"));
  config->timeout_ms = agent.Int("timeout");
  config->attempt_timeout_ms = agent.Int("attempt_timeout");
  config->backpressure = agent.String("at_capacity") == "backpressure";
  config->waiters_per_signature = static_cast<size_t>(agent.Int("waiters_per_signature"));
  config->waiters_total = static_cast<size_t>(agent.Int("waiters"));
  const Options& fail_safe = agent.Table("fail_safe");
  StatusOr<FailSafe> made =
      FailSafe::Create(fail_safe.String("verdict"), fail_safe.String("action"));
  if (made.ok()) {
    config->fail_safe = *std::move(made);
  } else {
    context.errors->Add("agent.fail_safe", made.status());
  }
}

void ReadRules(const OperatorPlanContext& context, AgentLoopConfig* config) {
  const Options& rules = context.options->Table("rules");
  config->default_ttl_ms = rules.Int("default_ttl");
  config->max_ttl_ms = rules.Int("max_ttl");
  config->max_active = static_cast<size_t>(rules.Int("max_active"));
  config->max_per_minute = rules.Int("max_per_minute");
  config->any_scope = rules.String("scope") == "any";
  config->allowed_actions = rules.List("actions");
  config->protected_values = rules.List("protected");
  if (config->default_ttl_ms > config->max_ttl_ms) {
    context.errors->Add("rules.default_ttl",
                        Err(ErrorCode::kConfigOutOfRange, "default_ttl is above max_ttl"));
  }
  for (const std::string& action : config->allowed_actions) {
    if (IsIdentifier(action)) continue;
    context.errors->Add("rules.actions",
                        Err(ErrorCode::kConfigBadValue,
                            absl::StrCat("'", action, "' is no identifier of lower-case letters")));
  }
}

}  // namespace

std::vector<OptionDef> AgentLoopOptions() {
  using T = OptionType;
  return {
      Def("key", T::kStringList, "", "Fields that events are ordered by; the signature if absent."),
      Required(Def("signature", T::kStringList, "", "Fields whose values make events look alike.")),
      Def("id", T::kStringList, "", "Fields that identify an event; its origin if absent."),
      Required(Def("escalate_when", T::kExpr, "", "CEL: is the event new and worth asking about?")),
      Def("carry", T::kStringList, "",
          "Input fields on the outputs decisions, blocked and actions; all of primitive type if "
          "absent."),
      AgentTable(),
      Def("mask", T::kStringMap, "", "field: keep, drop or hmac; other fields do not leave."),
      RulesTable(),
      AtLeast(0, Def("recheck_after", T::kDuration, "10m",
                     "Event time for which a decision without a rule stands.")),
      AtLeast(1024, Def("context_bytes", T::kSize, "16KiB", "Bound of what the agent is sent.")),
      AtLeast(1, Def("decision_ttl", T::kDuration, "30d",
                     "Processing time for which a decision answers copies of its event.")),
  };
}

std::shared_ptr<AgentLoopConfig> ReadAgentLoopOptions(const OperatorPlanContext& context) {
  const Options& options = *context.options;
  auto config = std::make_shared<AgentLoopConfig>();
  config->job = context.job;
  config->uid = context.uid;
  config->name = context.name;
  config->secret = context.id_key;
  config->input = context.inputs[0].schema;
  config->signature = options.List("signature");
  config->key = options.Has("key") ? options.List("key") : config->signature;
  if (config->key.empty()) config->key = config->signature;
  if (options.Has("id")) config->id = options.List("id");
  config->escalate_when = options.String("escalate_when");
  if (options.Has("mask")) config->mask.modes = options.Get("mask").entries;
  config->mask.signature = config->signature;
  config->mask.secret = config->secret;
  config->mask.max_bytes = static_cast<size_t>(options.Int("context_bytes"));
  config->recheck_after_ms = options.Int("recheck_after");
  config->decision_ttl_ms = options.Int("decision_ttl");
  ReadAgent(context, config.get());
  ReadRules(context, config.get());
  return config;
}

}  // namespace weir
