// weirctl rules, decisions.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "engine/cli/ctl.h"
#include "engine/cli/ctl_client.h"
#include "engine/cli/ctl_output.h"
#include "weir/admin/v1/admin.pb.h"

namespace weir {
namespace {

namespace v1 = admin::v1;
namespace agent_v1 = agent::v1;

constexpr size_t kCellWidth = 60;

std::string Condition(const agent_v1::Rule& rule) {
  return rule.predicate().empty() ? rule.signature_text() : rule.predicate();
}

// "active", or in what way it is not yet what it will be.
std::string StateOf(const v1::RuleInfo& info) {
  if (info.applied_subtasks() >= info.subtasks()) return info.state();
  return absl::StrCat(info.state(), " on ", info.applied_subtasks(), "/", info.subtasks());
}

std::string SourceName(agent_v1::DecisionSource source) {
  return source == agent_v1::DECISION_SOURCE_FAILSAFE ? "fail-safe, the agent did not answer"
                                                      : "the agent";
}

void Line(const char* name, const std::string& text) {
  if (text.empty()) return;
  std::cout << name << std::string(12 - std::min<size_t>(11, std::string(name).size()), ' ')
            << ShowText(text, 2000) << "\n";
}

void ShowRule(const v1::RuleInfo& info) {
  const agent_v1::Rule& rule = info.rule();
  Line("rule",
       absl::StrCat(rule.id(), " version ", rule.version(), " of operator ", info.operator_()));
  Line("state", StateOf(info));
  Line("covers", Condition(rule));
  Line("action", rule.action());
  Line("scope", rule.scope());
  Line("expires", absl::StrCat(ShowTime(rule.expires_ms()), " in event time"));
  Line("made", absl::StrCat(ShowTime(rule.created_ms()), " by ", rule.agent()));
  Line("because", rule.reason());
  Line("decision", rule.request_id());
  if (!info.has_last_change()) return;
  const agent_v1::Rule& change = info.last_change();
  const bool off = change.stage() == agent_v1::RULE_STAGE_DISABLED;
  Line(off ? "disabled" : "enabled",
       absl::StrCat(ShowTime(change.change().at_ms()), " by ", change.change().by(), ": ",
                    change.change().reason()));
}

}  // namespace

Status CtlRulesList(const CtlArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  v1::ListRulesRequest request;
  request.set_operator_(args.op);
  request.set_contains(args.contains);
  request.set_all(args.all);
  request.set_limit(args.limit);
  v1::ListRulesReply reply;
  WEIR_RETURN_IF_ERROR(client->ListRules(request, &reply));
  if (args.json()) {
    std::cout << MessageToJson(reply) << "\n";
  } else {
    CtlTable table({"RULE", "STATE", "OPERATOR", "ACTION", "COVERS", "EXPIRES", "MADE"});
    for (const v1::RuleInfo& info : reply.rules()) {
      table.Add({info.rule().id(), StateOf(info), info.operator_(), info.rule().action(),
                 ShowText(Condition(info.rule()), kCellWidth), ShowTime(info.rule().expires_ms()),
                 ShowTime(info.rule().created_ms())});
    }
    std::cout << table.Render();
  }
  if (reply.total() > reply.rules_size()) {
    std::cerr << "weirctl: " << reply.rules_size() << " of " << reply.total()
              << " rules; --limit N shows more, --contains TEXT chooses\n";
  }
  return absl::OkStatus();
}

Status CtlRulesShow(const CtlArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  v1::GetRuleRequest request;
  request.set_id(args.name);
  request.set_operator_(args.op);
  v1::RuleInfo info;
  WEIR_RETURN_IF_ERROR(client->GetRule(request, &info));
  if (args.json()) {
    std::cout << MessageToJson(info) << "\n";
  } else {
    ShowRule(info);
  }
  return absl::OkStatus();
}

Status CtlRulesSwitch(const CtlArgs& args, bool disable, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  v1::SwitchRuleRequest request;
  request.set_id(args.name);
  request.set_operator_(args.op);
  request.set_disable(disable);
  request.set_by(args.by.empty() ? env.variable("USER").value_or("unknown") : args.by);
  request.set_reason(args.reason);
  v1::SwitchRuleProgress last;
  int shown = -1;
  const CtlClient::OnSwitch on = [&](const auto& progress) {
    last = progress;
    const int applied = progress.rule().applied_subtasks();
    if (applied == shown || progress.effective()) return;
    shown = applied;
    std::cerr << "durable, applied by " << applied << "/" << progress.rule().subtasks()
              << " subtasks\n";
  };
  WEIR_RETURN_IF_ERROR(client->SwitchRule(request, on));
  if (args.json()) {
    std::cout << MessageToJson(last) << "\n";
    return absl::OkStatus();
  }
  const v1::RuleInfo& info = last.rule();
  std::cout << "rule " << info.rule().id() << " (" << ShowText(Condition(info.rule()), kCellWidth)
            << ") " << (disable ? "disabled" : "enabled")
            << (last.changed() ? "" : " already, nothing was changed") << "; effective on "
            << info.applied_subtasks() << "/" << info.subtasks() << " subtasks after "
            << last.elapsed_ms() << " ms\n";
  return absl::OkStatus();
}

Status CtlDecisionShow(const CtlArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  v1::GetDecisionRequest request;
  request.set_id(args.name);
  request.set_operator_(args.op);
  v1::DecisionInfo info;
  WEIR_RETURN_IF_ERROR(client->GetDecision(request, &info));
  if (args.json()) {
    std::cout << MessageToJson(info) << "\n";
    return absl::OkStatus();
  }
  const agent_v1::Decision& d = info.decision();
  Line("decision", d.request_id());
  Line("verdict", d.verdict());
  Line("action", d.action());
  Line("because", d.reason());
  Line("decided by", SourceName(d.source()));
  Line("agent", d.agent());
  Line("key", absl::StrCat(info.key_text(), ", request ", d.seq(), " of this key"));
  Line("event time", ShowTime(d.event_time_ms()));
  Line("asked", absl::StrCat(ShowTime(d.asked_ms()), ", attempt ", d.attempt()));
  Line("decided", absl::StrCat(ShowTime(d.decided_ms()), ", after ",
                               ShowDuration(d.decided_ms() - d.asked_ms())));
  Line("stands in", absl::StrCat(info.topic(), "/", info.partition(), " at ", info.offset()));
  if (info.has_rule()) {
    std::cout << "\n";
    ShowRule(info.rule());
  } else if (d.has_rule()) {
    Line("rule", absl::StrCat(d.rule().id(), ", expired since"));
  }
  return absl::OkStatus();
}

}  // namespace weir
