#include "agent/reason/reasoner_factory.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/embedded_agent.h"
#include "agent/fail_safe.h"
#include "agent/reason/memo_channel.h"
#include "agent/reason/openai_reasoner.h"
#include "agent/reason/rules_reasoner.h"
#include "engine/base/log.h"

namespace weir {

namespace {

struct Made {
  std::shared_ptr<AgentChannel> channel;
  ReasonerVersions versions;
};

Status Missing(std::string_view option, std::string_view what) {
  return Err(ErrorCode::kConfigMissingKey,
             absl::StrCat("the reasoner needs `", ToAbsl(option), "`: ", ToAbsl(what)));
}

StatusOr<std::string> ReadFile(const Env& env, const std::string& path) {
  StatusOr<std::string> text = env.fs->ReadFile(path);
  if (text.ok()) return text;
  return Err(ErrorCode::kConfigFile,
             absl::StrCat("'", path, "' cannot be read: ", text.status().message()));
}

StatusOr<std::shared_ptr<AgentChannel>> MakeRules(const Env& env, const ReasonerOptions& options,
                                                  MetricRegistry* metrics) {
  if (options.rules.empty()) return Missing("rules", "the path of a rule file");
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(env, options.rules));
  std::string report;
  StatusOr<RuleFile> file = ParseRuleFile(options.rules, text, &report);
  if (!file.ok()) {
    // A line of the log each, because one line of it escapes what would be a second one.
    for (const absl::string_view line : absl::StrSplit(report, '\n', absl::SkipEmpty())) {
      LogError("reasoner", ToStd(line));
    }
    return file.status();
  }
  return std::shared_ptr<AgentChannel>(
      std::make_shared<RulesReasoner>(env, *std::move(file), metrics));
}

StatusOr<std::string> ReadApiKey(const Env& env, const ReasonerOptions& options) {
  if (!options.api_key_file.empty()) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(env, options.api_key_file));
    return std::string(absl::StripAsciiWhitespace(text));
  }
  if (options.api_key_env.empty()) return std::string();
  return env.variable(options.api_key_env).value_or("");
}

bool IsLoopback(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "http://")) return false;
  return absl::StartsWith(url, "127.") || absl::StartsWith(url, "localhost") ||
         absl::StartsWith(url, "[::1]");
}

Status CheckNames(const std::vector<std::string>& names, const char* option) {
  if (names.empty()) return Missing(option, "at least one");
  for (const std::string& name : names) {
    if (IsIdentifier(name)) continue;
    return Err(ErrorCode::kConfigBadValue,
               absl::StrCat(option, ": '", name, "' is no identifier of lower-case letters"));
  }
  return absl::OkStatus();
}

StatusOr<OpenAiConfig> MakeConfig(const Env& env, const ReasonerOptions& options) {
  if (options.model.empty()) return Missing("model", "what the endpoint calls its model");
  OpenAiConfig config;
  config.base_url = std::string(absl::StripSuffix(options.base_url, "/"));
  if (!absl::StartsWith(config.base_url, "https://") &&
      !absl::StartsWith(config.base_url, "http://")) {
    return Err(ErrorCode::kConfigBadValue,
               absl::StrCat("base_url: '", config.base_url, "' is no http:// or https:// address"));
  }
  WEIR_RETURN_IF_ERROR(CheckNames(options.verdicts, "verdicts"));
  WEIR_RETURN_IF_ERROR(CheckNames(options.actions, "actions"));
  WEIR_ASSIGN_OR_RETURN(config.api_key, ReadApiKey(env, options));
  if (!config.api_key.empty() && absl::StartsWith(config.base_url, "http://") &&
      !IsLoopback(config.base_url)) {
    return Err(ErrorCode::kConfigBadValue,
               "base_url: the API key would cross the network in plain text", "use https://");
  }
  if (!options.instructions_file.empty()) {
    WEIR_ASSIGN_OR_RETURN(config.instructions, ReadFile(env, options.instructions_file));
  }
  config.model = options.model;
  config.expect_model = options.expect_model;
  config.verdicts = options.verdicts;
  config.actions = options.actions;
  config.max_tokens = options.max_tokens;
  config.max_tool_rounds = options.max_tool_rounds;
  config.call_timeout_ms = options.call_timeout_ms;
  config.json_schema = options.json_schema;
  return config;
}

StatusOr<Made> MakeOpenAi(const Env& env, const Registry& registry, const ReasonerOptions& options,
                          MetricRegistry* metrics) {
  WEIR_ASSIGN_OR_RETURN(OpenAiConfig config, MakeConfig(env, options));
  const HttpClientType* type = registry.FindHttpClient();
  if (type == nullptr) return Err(ErrorCode::kUnsupported, "this build has no HTTP client");
  HttpClientOptions http_options;
  http_options.ca_file = options.ca_file;
  http_options.proxy = options.proxy;
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<HttpClient> http, type->create(env, http_options));
  auto reasoner = std::make_shared<OpenAiReasoner>(env, std::move(http), std::move(config),
                                                   std::vector{MakeRecentStatsTool()}, metrics);
  ReasonerVersions versions = reasoner->versions();
  return Made{std::move(reasoner), std::move(versions)};
}

StatusOr<std::shared_ptr<Memo>> MakeMemo(const Env& env, const Registry& registry,
                                         const std::string& url, MetricRegistry* metrics) {
  const std::string scheme = url.substr(0, url.find(':'));
  const MemoType* type = registry.FindMemo(scheme);
  if (type == nullptr) {
    return Err(ErrorCode::kConfigUnknownName, absl::StrCat("there is no memo '", scheme, "'"),
               absl::StrCat("known: none, ", absl::StrJoin(registry.MemoSchemes(), ", ")));
  }
  return type->create(env, url, metrics);
}

}  // namespace

StatusOr<std::shared_ptr<AgentChannel>> MakeReasoner(const Env& env, const Registry& registry,
                                                     const ReasonerOptions& options,
                                                     MetricRegistry* metrics) {
  if (options.reasoner == "statistical") {
    return std::shared_ptr<AgentChannel>(std::make_shared<EmbeddedAgent>(env.io));
  }
  if (options.reasoner == "rules") return MakeRules(env, options, metrics);
  if (options.reasoner != "openai") {
    return Err(ErrorCode::kConfigUnknownName,
               absl::StrCat("there is no reasoner '", options.reasoner, "'"),
               "known: statistical, rules, openai");
  }
  WEIR_ASSIGN_OR_RETURN(Made made, MakeOpenAi(env, registry, options, metrics));
  if (options.memo.empty() || options.memo == "none") return std::move(made.channel);
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<Memo> memo, MakeMemo(env, registry, options.memo, metrics));
  MemoChannelOptions channel;
  channel.name_space = options.memo_namespace;
  channel.versions = std::move(made.versions);
  channel.ttl_ms = options.memo_ttl_ms;
  channel.timeout_ms = options.memo_timeout_ms;
  return std::shared_ptr<AgentChannel>(std::make_shared<MemoChannel>(
      env, std::move(made.channel), std::move(memo), channel, metrics));
}

}  // namespace weir
