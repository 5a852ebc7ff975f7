#include "agent/grpc/wire.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "weir/agent/v1/agent_service.pb.h"

namespace weir {

namespace {

namespace pb = agent::v1;
constexpr size_t kMaxErrorText = 512;
constexpr int64_t kMaxRetryAfterMs = 600'000;

}  // namespace

void RequestToProto(const PipeRequest& request, pb::DecideRequest* out) {
  const AgentRequest& r = request.request;
  out->set_request_id(r.request_id);
  out->set_operator_uid(r.operator_uid);
  out->set_job(r.job);
  out->set_signature(r.signature);
  out->set_event_time_ms(r.event_time_ms);
  out->set_context_json(r.context_json);
  out->set_deadline_ms(r.deadline_ms);
  out->set_attempt(r.attempt);
  out->set_timeout_ms(request.timeout_ms);
}

AgentRequest RequestFromProto(const pb::DecideRequest& in) {
  AgentRequest r;
  r.request_id = in.request_id();
  r.operator_uid = in.operator_uid();
  r.job = in.job();
  r.signature = in.signature();
  r.event_time_ms = in.event_time_ms();
  r.context_json = in.context_json();
  r.deadline_ms = in.deadline_ms();
  r.attempt = in.attempt();
  return r;
}

void ReplyToProto(const std::string& request_id, int attempt, const StatusOr<AgentReply>& reply,
                  pb::DecideReply* out) {
  out->set_request_id(request_id);
  out->set_attempt(attempt);
  if (!reply.ok()) {
    out->set_error_code(static_cast<int>(reply.status().code()));
    out->set_error_number(ErrorNumber(reply.status()));
    out->set_retry_after_ms(RetryAfterMs(reply.status()));
    out->set_error_message(EscapeForLog(ToStd(reply.status().message()), false));
    return;
  }
  out->set_verdict(reply->verdict);
  out->set_reason(reply->reason);
  out->set_confidence(reply->confidence);
  out->set_agent(reply->agent);
  out->set_tokens_in(reply->tokens_in);
  out->set_tokens_out(reply->tokens_out);
  out->set_from_memo(reply->from_memo);
  for (size_t i = 0; i < std::min(reply->rules.size(), kMaxRulesPerReply); ++i) {
    pb::RuleProposal* rule = out->add_rules();
    rule->set_predicate(reply->rules[i].predicate);
    rule->set_action(reply->rules[i].action);
    rule->set_ttl_ms(reply->rules[i].ttl_ms);
    rule->set_reason(reply->rules[i].reason);
  }
}

Status ErrorFromWire(int code, int number, const std::string& text) {
  const std::string shown =
      absl::StrCat("the agent says: ", EscapeForLog(text.substr(0, kMaxErrorText), false));
  for (const ErrorCode known :
       {ErrorCode::kAgentUnavailable, ErrorCode::kAgentBadReply, ErrorCode::kAgentTimeout,
        ErrorCode::kAgentCapacity, ErrorCode::kAgentRateLimited, ErrorCode::kAgentUpstream,
        ErrorCode::kAgentRefused, ErrorCode::kAgentNoRule}) {
    if (number == static_cast<int>(known)) return Err(known, shown);
  }
  switch (static_cast<absl::StatusCode>(code)) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
      return Err(ErrorCode::kAgentUnavailable, shown);
    case absl::StatusCode::kResourceExhausted:
      return Err(ErrorCode::kAgentCapacity, shown);
    case absl::StatusCode::kDeadlineExceeded:
      return Err(ErrorCode::kAgentTimeout, shown);
    default:
      return Err(ErrorCode::kAgentRefused, shown);
  }
}

PipeReply ReplyFromProto(const pb::DecideReply& in) {
  PipeReply out{in.request_id(), AgentReply(), in.attempt()};
  if (in.error_code() != 0 || in.error_number() != 0) {
    const int64_t after = std::clamp<int64_t>(in.retry_after_ms(), 0, kMaxRetryAfterMs);
    const Status error = ErrorFromWire(in.error_code(), in.error_number(), in.error_message());
    out.reply = after > 0 ? WithRetryAfter(error, after) : error;
    return out;
  }
  AgentReply& reply = *out.reply;
  reply.request_id = in.request_id();
  reply.verdict = in.verdict();
  reply.reason = in.reason();
  reply.confidence = in.confidence();
  reply.agent = in.agent();
  reply.tokens_in = in.tokens_in();
  reply.tokens_out = in.tokens_out();
  reply.from_memo = in.from_memo();
  const int rules = std::min(in.rules_size(), static_cast<int>(kMaxRulesPerReply));
  for (int i = 0; i < rules; ++i) {
    const pb::RuleProposal& rule = in.rules(i);
    reply.rules.push_back({rule.predicate(), rule.action(), rule.ttl_ms(), rule.reason()});
  }
  return out;
}

}  // namespace weir
