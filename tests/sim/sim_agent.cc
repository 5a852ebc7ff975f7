#include "sim_agent.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/model/value.h"

namespace weir {
namespace {

class SimAgentChannel : public AgentChannel {
 public:
  SimAgentChannel(SimAgentService* service, Executor* io) : service_(service), io_(io) {}
  void Decide(const AgentRequest& request,
              std::function<void(StatusOr<AgentReply>)> done) override {
    service_->Decide(io_, request, std::move(done));
  }

 private:
  SimAgentService* service_;
  Executor* io_;
};

// The address out of the masked context: an agent sees nothing else.
std::string AddressOf(const AgentRequest& request) {
  const auto context = ParseJson(request.context_json);
  if (!context.ok()) return "";
  const Value* event = context->Get("event");
  const Value* ip = event != nullptr ? event->Get("src_ip") : nullptr;
  return ip != nullptr ? ip->string_value() : "";
}

}  // namespace

AgentReply SimAgentService::Answer(const AgentRequest& request) {
  const int time = asked_[request.request_id];
  AgentReply reply;
  reply.request_id = request.request_id;
  reply.verdict = "quarantine";
  reply.reason = absl::StrCat("answer ", time);
  reply.agent = "sim/1";
  RuleProposal rule;
  rule.predicate = absl::StrCat("src_ip == \"", AddressOf(request), "\"");
  // Another valid rule each time: if a question is ever answered twice, the bytes will tell.
  if (options_.varies && time > 1)
    absl::StrAppend(&rule.predicate, " && size(kind) < ", 1000 + time);
  rule.action = "block";
  reply.rules.push_back(std::move(rule));
  return reply;
}

void SimAgentService::Decide(Executor* io, const AgentRequest& request,
                             std::function<void(StatusOr<AgentReply>)> done) {
  ++calls_;
  ++asked_[request.request_id];
  if (durable_ && durable_(request.request_id)) asked_again_.push_back(request.request_id);
  const AgentReply reply = Answer(request);
  if (random_->Double() < options_.lost) return;
  const int copies = random_->Double() < options_.doubled ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const auto delay = static_cast<int64_t>(random_->Uniform(options_.delay_max_ms + 1));
    io->SubmitAfter(delay, [done, reply] { done(reply); });
  }
}

AgentChannelType MakeSimAgentType(SimAgentService* service) {
  return {
      "sim",
      [service](const Env& env, const std::string&) -> StatusOr<std::shared_ptr<AgentChannel>> {
        return std::shared_ptr<AgentChannel>(std::make_shared<SimAgentChannel>(service, env.io));
      }};
}

}  // namespace weir
