#include "agent/reason/rules_reasoner.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/reason/request_context.h"

namespace weir {

namespace {

constexpr char kReasoner[] = "rules/1";

AgentReply MakeReply(const RuleFile& file, const FileRule& rule, const AgentRequest& request) {
  AgentReply reply;
  reply.request_id = request.request_id;
  reply.verdict = rule.verdict;
  reply.confidence = 1;
  reply.agent = absl::StrCat(kReasoner, " ", file.name, "@", file.hash);
  reply.reason = rule.reason.empty() ? absl::StrCat("rule in line ", rule.line) : rule.reason;
  if (!rule.action.empty()) reply.rules.push_back({"", rule.action, rule.ttl_ms, reply.reason});
  return reply;
}

}  // namespace

struct RulesReasoner::Core {
  Core(RuleFile rules, MetricRegistry* registry) : file(std::move(rules)), metrics(registry) {}

  StatusOr<AgentReply> Judge(const AgentRequest& request) {
    WEIR_ASSIGN_OR_RETURN(const RecordBatch row, MakeContextRow(request));
    return file.With([&](RuleFile* f) -> StatusOr<AgentReply> {
      std::vector<uint32_t> pass, failed;
      std::string error;
      for (const FileRule& rule : f->rules) {
        rule.when->Filter(row, &pass, &failed, &error);
        if (!failed.empty()) {
          return Err(ErrorCode::kAgentNoRule,
                     absl::StrCat(f->name, ": the rule in line ", rule.line, " failed: ", error),
                     "ask with has(event.field) before a field that may be absent is used");
        }
        if (!pass.empty()) return MakeReply(*f, rule, request);
      }
      return Err(ErrorCode::kAgentNoRule, absl::StrCat(f->name, ": no rule holds"),
                 "end the file with a rule `when: \"true\"`");
    });
  }

  Guarded<RuleFile> file;  // its programs serve one thread at a time
  SharedMetrics metrics;
};

RulesReasoner::RulesReasoner(const Env& env, RuleFile file, MetricRegistry* metrics)
    : core_(std::make_shared<Core>(std::move(file), metrics)), io_(env.io) {}

StatusOr<AgentReply> RulesReasoner::Judge(const AgentRequest& request) {
  return core_->Judge(request);
}

void RulesReasoner::Decide(const AgentRequest& request,
                           std::function<void(StatusOr<AgentReply>)> done) {
  io_->Submit([core = core_, request, done = std::move(done)] {
    StatusOr<AgentReply> reply = core->Judge(request);
    core->metrics.Add("weir_reasoner_calls_total",
                      {{"reasoner", "rules"}, {"outcome", reply.ok() ? "ok" : "error"}});
    done(std::move(reply));
  });
}

}  // namespace weir
