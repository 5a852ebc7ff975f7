#include "agent/reason/verdict_reply.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/clean_text.h"
#include "agent/reason/json_schema.h"

namespace weir {

namespace {

constexpr size_t kMaxRules = 4;
constexpr size_t kMaxReason = 1024;
constexpr size_t kMaxPredicate = 4096;

std::string_view WithoutFence(std::string_view text) {
  absl::string_view inner = absl::StripAsciiWhitespace(ToAbsl(text));
  if (!absl::ConsumePrefix(&inner, "```")) return ToStd(inner);
  absl::ConsumePrefix(&inner, "json");
  inner = absl::StripAsciiWhitespace(inner);
  absl::ConsumeSuffix(&inner, "```");
  return ToStd(inner);
}

double Number(const Value& value) {
  return value.kind() == Value::Kind::kDouble ? value.double_value()
                                              : static_cast<double>(value.int_value());
}

}  // namespace

std::vector<std::string> ReadVerdict(const Value& schema, std::string_view text,
                                     AgentReply* reply) {
  const StatusOr<Value> value = ParseJson(WithoutFence(text));
  if (!value.ok()) return {"it is not one JSON object"};
  std::vector<std::string> problems = CheckAgainstSchema(schema, *value);
  if (!problems.empty()) return problems;
  const Value::List& rules = value->Get("rules")->list();
  if (rules.size() > kMaxRules) return {absl::StrCat("rules: at most ", kMaxRules, " are allowed")};
  std::vector<RuleProposal> proposals;
  for (const Value& rule : rules) {
    const std::string& predicate = rule.Get("predicate")->string_value();
    if (predicate.size() > kMaxPredicate) return {"rules: a predicate is too long"};
    proposals.push_back({predicate, rule.Get("action")->string_value(),
                         static_cast<int64_t>(Number(*rule.Get("ttl_seconds"))) * 1000,
                         CleanText(rule.Get("reason")->string_value(), kMaxReason)});
  }
  reply->verdict = value->Get("verdict")->string_value();
  reply->reason = CleanText(value->Get("reason")->string_value(), kMaxReason);
  reply->confidence = Number(*value->Get("confidence"));
  reply->rules = std::move(proposals);
  return {};
}

}  // namespace weir
