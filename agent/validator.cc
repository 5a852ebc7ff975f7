#include "agent/validator.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "agent/clean_text.h"
#include "engine/expr/program.h"

namespace weir {

namespace {

constexpr size_t kMaxReason = 512;

Status Refuse(std::string_view why) { return Err(ErrorCode::kRuleInvalid, why); }

}  // namespace

StatusOr<Rule> Validator::Validate(const RuleProposal& proposal, const Trigger& trigger,
                                   RuleSet* rules) {
  WEIR_RETURN_IF_ERROR(CheckText(proposal));
  if (!Signature::Matchable(trigger.signature)) return Refuse("the event has no signature");
  Rule rule;
  rule.predicate = proposal.predicate;
  rule.scope = config_.any_scope && !proposal.predicate.empty() ? "any" : "signature";
  if (proposal.predicate.empty() || rule.scope == "signature") {
    rule.signature = std::string(trigger.signature);
    rule.signature_text = signature_.Text(*trigger.batch, trigger.row);
  }
  // An exact signature is checked as the predicate that it stands for.
  const std::string predicate = proposal.predicate.empty()
                                    ? signature_.Predicate(*trigger.batch, trigger.row)
                                    : proposal.predicate;
  WEIR_RETURN_IF_ERROR(CheckPredicate(predicate, trigger));
  rule.action = proposal.action;
  rule.origin = {trigger.batch->origin[trigger.row], trigger.batch->event_time[trigger.row]};
  WEIR_ASSIGN_OR_RETURN(rule.expires_ms, Expiry(proposal, rule.origin.event_time_ms));
  rule.request_id = trigger.request_id;
  rule.agent = trigger.agent;
  rule.created_ms = trigger.now_ms;
  rule.reason = CleanText(proposal.reason, kMaxReason);
  rule.id = MakeRuleId(rule);
  rule.version = rules->HighestVersion(rule.id) + 1;
  if (trigger.recorded_version) {
    rule.version = std::max(rule.version, trigger.recorded_version(rule.id) + 1);
  }
  WEIR_RETURN_IF_ERROR(rules->CheckRoom(rule));
  WEIR_RETURN_IF_ERROR(TakeRateToken(trigger.now_ms));
  return rule;
}

Status Validator::CheckText(const RuleProposal& proposal) const {
  const auto& actions = config_.actions;
  if (std::find(actions.begin(), actions.end(), proposal.action) == actions.end()) {
    return Refuse("the action is not in the list of allowed ones");
  }
  if (proposal.predicate.size() > RuleExprOptions().max_length) {
    return Err(ErrorCode::kRuleCap, absl::StrCat("the predicate has more than ",
                                                 RuleExprOptions().max_length, " bytes"));
  }
  if (!IsCleanText(proposal.predicate)) {
    return Refuse("the predicate holds control characters or broken UTF-8");
  }
  return absl::OkStatus();
}

Status Validator::CheckPredicate(const std::string& predicate, const Trigger& trigger) const {
  auto program = CompileExpr(predicate, *config_.schema, RuleExprOptions());
  if (!program.ok()) return Refuse(FormatError(program.status()));
  if ((*program)->columns().empty()) return Refuse("the predicate reads no field");
  if (!config_.any_scope) WEIR_RETURN_IF_ERROR(CheckPinned(**program, trigger));
  if (protected_.PinnedBy(**program)) return Refuse("the predicate names a protected value");
  std::vector<EvalResult> result;
  const std::array<uint32_t, 1> row = {static_cast<uint32_t>(trigger.row)};
  (*program)->Eval(*trigger.batch, row, &result);
  const bool matches = result[0].error.empty() && result[0].value.kind() == Value::Kind::kBool &&
                       result[0].value.bool_value();
  if (!matches) return Refuse("the predicate does not match the event it is about");
  return absl::OkStatus();
}

Status Validator::CheckPinned(const ExprProgram& program, const Trigger& trigger) const {
  for (size_t f = 0; f < signature_.fields().size(); ++f) {
    const int column = signature_.columns()[f];
    const Value actual = GetValue(trigger.batch->column(column), trigger.row);
    const auto pins = [&](const EqualityConjunct& c) {
      return c.column == column && c.constant.kind() == actual.kind() && c.constant == actual;
    };
    const auto& conjuncts = program.conjuncts();
    if (std::none_of(conjuncts.begin(), conjuncts.end(), pins)) {
      return Refuse(absl::StrCat("the predicate does not pin '", signature_.fields()[f],
                                 "' to the event's value"));
    }
  }
  return absl::OkStatus();
}

StatusOr<int64_t> Validator::Expiry(const RuleProposal& proposal, int64_t event_time_ms) const {
  const int64_t ttl = proposal.ttl_ms == 0 ? config_.default_ttl_ms : proposal.ttl_ms;
  if (ttl <= 0) return Refuse("the rule has no lifetime");
  if (ttl > config_.max_ttl_ms) {
    return Refuse(absl::StrCat("a lifetime of ", ttl, " ms is above the bound of ",
                               config_.max_ttl_ms, " ms"));
  }
  if (event_time_ms == kNoTimestamp || event_time_ms > INT64_MAX - ttl) {
    return Refuse("the event has no time from which a rule could expire");
  }
  return event_time_ms + ttl;
}

Status Validator::TakeRateToken(int64_t now_ms) {
  const int64_t minute = now_ms / 60'000;
  if (minute != minute_) {
    minute_ = minute;
    in_minute_ = 0;
  }
  if (in_minute_ >= config_.max_per_minute) {
    return Err(ErrorCode::kRuleCap,
               absl::StrCat("more than ", config_.max_per_minute, " rules in this minute"));
  }
  ++in_minute_;
  return absl::OkStatus();
}

}  // namespace weir
