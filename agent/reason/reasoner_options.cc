#include "agent/reason/reasoner_options.h"

#include <utility>

namespace weir {

namespace {

using T = OptionType;

OptionDef Def(std::string name, OptionType type, std::string default_text, std::string doc) {
  OptionDef d;
  d.name = std::move(name);
  d.type = type;
  d.default_text = std::move(default_text);
  d.doc = std::move(doc);
  return d;
}

OptionDef Between(double min, double max, OptionDef d) {
  d.min = min;
  d.max = max;
  return d;
}

OptionDef OneOf(std::vector<std::string> allowed, OptionDef d) {
  d.allowed = std::move(allowed);
  return d;
}

std::vector<OptionDef> OpenAiDefs() {
  return {
      Def("base_url", T::kString, "https://api.openai.com/v1",
          "openai: where `/chat/completions` is."),
      Def("model", T::kString, "", "openai: the model asked for; required."),
      Def("expect_model", T::kString, "",
          "openai: what the endpoint must say that its model is; another one is an error."),
      Def("api_key_env", T::kString, "OPENAI_API_KEY",
          "openai: the environment variable that holds the key; unset = no key is sent."),
      Def("api_key_file", T::kString, "", "openai: a file that holds the key; goes first."),
      Def("ca_file", T::kString, "", "openai: PEM certificates to trust instead of the system's."),
      Def("proxy", T::kString, "", "openai: the HTTP proxy; none unless it is named here."),
      Def("verdicts", T::kStringList, "[quarantine, release]",
          "openai: the only verdicts that the model may give."),
      Def("actions", T::kStringList, "[block]",
          "openai: the only actions that a rule it proposes may have."),
      Def("instructions_file", T::kString, "",
          "openai: a text file that is added to the system prompt."),
      Between(64, 32768,
              Def("max_tokens", T::kInt, "1024", "openai: tokens of one completion at most.")),
      Between(0, 16,
              Def("max_tool_rounds", T::kInt, "4",
                  "openai: how often one decision may call tools before it must answer.")),
      Between(
          10, 600'000,
          Def("call_timeout", T::kDuration, "20s",
              "openai: for one call to the endpoint; the request's own deadline may be sooner.")),
      Def("json_schema", T::kBool, "true",
          "openai: ask for structured output (`response_format`); the reply is checked either "
          "way."),
  };
}

}  // namespace

const std::vector<OptionDef>& ReasonerOptionDefs() {
  static const std::vector<OptionDef> defs = [] {
    std::vector<OptionDef> all = {
        OneOf({"statistical", "rules", "openai"},
              Def("reasoner", T::kString, "statistical", "Who decides.")),
        Def("rules", T::kString, "", "rules: the rule file (YAML)."),
    };
    for (OptionDef& def : OpenAiDefs()) all.push_back(std::move(def));
    all.push_back(
        Def("memo", T::kString, "embedded",
            "`none`, `embedded`, or a RESP server: `redis://host:port/db`, `rediss://`."));
    all.push_back(Between(1'000, 365.0 * 24 * 3600 * 1000,
                          Def("memo_ttl", T::kDuration, "7d", "How long a reply is kept.")));
    all.push_back(
        Between(1, 10'000,
                Def("memo_timeout", T::kDuration, "50ms",
                    "How long a decision waits for the memo before the reasoner is asked.")));
    all.push_back(Def("memo_namespace", T::kString, "",
                      "Goes into every key: agents of different namespaces share no reply."));
    return all;
  }();
  return defs;
}

ReasonerOptions ReadReasonerOptions(const Options& options) {
  ReasonerOptions out;
  const auto text = [&options](const char* name) {
    return options.Has(name) ? options.String(name) : std::string();
  };
  out.reasoner = options.String("reasoner");
  out.rules = text("rules");
  out.base_url = text("base_url");
  out.model = text("model");
  out.expect_model = text("expect_model");
  out.api_key_env = text("api_key_env");
  out.api_key_file = text("api_key_file");
  out.ca_file = text("ca_file");
  out.proxy = text("proxy");
  out.verdicts = options.List("verdicts");
  out.actions = options.List("actions");
  out.instructions_file = text("instructions_file");
  out.max_tokens = options.Int("max_tokens");
  out.max_tool_rounds = options.Int("max_tool_rounds");
  out.call_timeout_ms = options.Int("call_timeout");
  out.json_schema = options.Bool("json_schema");
  out.memo = text("memo");
  out.memo_ttl_ms = options.Int("memo_ttl");
  out.memo_timeout_ms = options.Int("memo_timeout");
  out.memo_namespace = text("memo_namespace");
  return out;
}

}  // namespace weir
