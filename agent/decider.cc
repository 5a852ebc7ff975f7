#include "agent/decider.h"

#include "absl/strings/str_cat.h"
#include "agent/clean_text.h"
#include "agent/fail_safe.h"

namespace weir {

namespace {

constexpr size_t kMaxReason = 1024;
constexpr size_t kMaxAgent = 128;
constexpr size_t kMaxProposals = 16;  // further ones are not even looked at

Status CheckReply(const AgentReply& reply, const Trigger& trigger) {
  if (reply.request_id != trigger.request_id) {
    return Err(ErrorCode::kAgentBadReply, "the reply is about another request");
  }
  if (!IsIdentifier(reply.verdict)) {
    return Err(ErrorCode::kAgentBadReply, "the verdict is no identifier of lower-case letters");
  }
  return absl::OkStatus();
}

}  // namespace

Status Decider::Apply(const AgentReply& reply, Trigger trigger, Decision* decision,
                      int64_t* refused) {
  WEIR_RETURN_IF_ERROR(CheckReply(reply, trigger));
  decision->source = Decision::Source::kAgent;
  decision->verdict = reply.verdict;
  decision->agent = CleanText(reply.agent, kMaxAgent);
  decision->reason = CleanText(reply.reason, kMaxReason);
  decision->rule.reset();
  decision->action.clear();
  trigger.agent = decision->agent;
  *refused = 0;
  for (size_t i = 0; i < reply.rules.size(); ++i) {
    Status status = Err(ErrorCode::kRuleCap, "a decision carries at most one rule");
    if (reply.verdict == kReleaseVerdict) {
      status = Err(ErrorCode::kRuleInvalid, "a release carries no rule");
    } else if (!decision->rule && i < kMaxProposals) {
      StatusOr<Rule> rule = validator_.Validate(reply.rules[i], trigger, rules_);
      status = rule.status();
      if (rule.ok()) {
        decision->action = rule->action;
        decision->rule = *std::move(rule);
      }
    }
    if (status.ok()) continue;
    ++*refused;
    if (decision->reason.size() < kMaxReason) {
      // What an agent wrote may be part of the message.
      absl::StrAppend(&decision->reason, decision->reason.empty() ? "" : "; ",
                      "rule refused: ", CleanText(FormatError(status), 256));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
