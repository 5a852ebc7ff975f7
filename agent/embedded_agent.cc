#include "agent/embedded_agent.h"

#include <utility>

#include "agent/signature.h"
#include "engine/model/value.h"

namespace weir {

namespace {

constexpr std::string_view kName = "embedded/1";

bool SpeaksForQuarantine(const Value& statistic) {
  switch (statistic.kind()) {
    case Value::Kind::kBool:
      return statistic.bool_value();
    case Value::Kind::kInt:
      return statistic.int_value() > 0;
    case Value::Kind::kUint:
      return statistic.uint_value() > 0;
    case Value::Kind::kDouble:
      return statistic.double_value() > 0;
    default:
      return false;
  }
}

// A field whose value was masked cannot be written as a predicate; then the proposal leaves it
// empty, which stands for the request's signature. JSON does not tell a timestamp from a number, so
// numbers are left to the engine as well.
std::string PredicateFor(const Value& signature) {
  std::string out;
  for (const auto& [name, value] : signature.map()) {
    const bool plain =
        value.kind() == Value::Kind::kString && value.string_value().rfind("hmac:", 0) != 0;
    if (!plain) return "";
    if (!out.empty()) out += " && ";
    out += EqualityText(name.string_value(), value);
  }
  return out;
}

}  // namespace

StatusOr<AgentReply> EmbeddedAgent::Judge(const AgentRequest& request) {
  const StatusOr<Value> context = ParseJson(request.context_json);
  const Value* novelty =
      context.ok() && context->kind() == Value::Kind::kMap ? context->Get("novelty") : nullptr;
  const Value* signature = novelty != nullptr ? context->Get("signature") : nullptr;
  if (signature == nullptr || novelty->kind() != Value::Kind::kMap ||
      signature->kind() != Value::Kind::kMap) {
    return Err(ErrorCode::kAgentBadReply, "the context of the request cannot be read");
  }
  AgentReply reply;
  reply.request_id = request.request_id;
  reply.agent = kName;
  for (const auto& [name, value] : novelty->map()) {
    if (!SpeaksForQuarantine(value)) continue;
    if (!reply.reason.empty()) reply.reason += ", ";
    reply.reason += name.string_value() + " = " + value.ToJson();
  }
  if (reply.reason.empty()) {
    if (context->Get("trimmed") != nullptr) {
      return Err(ErrorCode::kAgentBadReply, "the statistics did not fit into the context");
    }
    reply.verdict = "release";
    reply.reason = "no statistic of the novelty test speaks for a quarantine";
    return reply;
  }
  reply.verdict = "quarantine";
  reply.confidence = 1;
  RuleProposal proposal;
  proposal.predicate = PredicateFor(*signature);
  proposal.action = "block";
  proposal.reason = reply.reason;
  reply.rules.push_back(std::move(proposal));
  return reply;
}

void EmbeddedAgent::Decide(const AgentRequest& request,
                           std::function<void(StatusOr<AgentReply>)> done) {
  io_->Submit([request, done = std::move(done)] { done(Judge(request)); });
}

AgentChannelType MakeEmbeddedAgentType() {
  return {"embedded",
          [](const Env& env, const std::string&) -> StatusOr<std::shared_ptr<AgentChannel>> {
            return std::shared_ptr<AgentChannel>(std::make_shared<EmbeddedAgent>(env.io));
          }};
}

}  // namespace weir
