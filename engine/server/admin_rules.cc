#include "engine/server/admin_rules.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/decision_search.h"
#include "agent/rule_proto.h"
#include "engine/base/admin_errors.h"
#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/base/metric_catalog.h"
#include "weir/admin/v1/admin.pb.h"

namespace weir {
namespace {

constexpr int kDefaultLimit = 1000;
constexpr int kMaxLimit = 10'000;
constexpr int64_t kLookEveryMs = 20;
constexpr size_t kMaxText = 1000;  // of who and why
// Rules that expired longer ago are of no interest, and the catalog must not grow for ever.
constexpr int64_t kForgetAfterMs = 24 * 3'600'000;

Status CheckPrefix(const std::string& id) {
  const bool hex = id.find_first_not_of("0123456789abcdef") == id.npos;
  if (hex && !id.empty()) return absl::OkStatus();
  return Err(AdminError::kAdminBadRequest, absl::StrCat("'", id, "' is no id"),
             "ids are hexadecimal digits, the first few are enough");
}

// A key that is text is shown as it is, another one in hexadecimal digits.
std::string KeyText(const std::string& key) {
  const bool text =
      std::all_of(key.begin(), key.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  return text ? key : HexEncode(key);
}

bool Contains(const Rule& rule, const std::string& part) {
  for (const std::string* text : {&rule.id, &rule.signature_text, &rule.predicate, &rule.action}) {
    if (text->find(part) != std::string::npos) return true;
  }
  return false;
}

std::string Bounded(const std::string& text) { return text.substr(0, kMaxText); }

}  // namespace

AdminRules::AdminRules(const AdminContext* context) : context_(context) {
  const PhysicalPlan& plan = context->job->plan();
  loops_.With([&](Loops* loops) {
    for (const LogicalNode& node : plan.logical.nodes) {
      if (node.type != "agent_loop" || node.op.internal_topics.size() != 2) continue;
      Loop& loop = (*loops)[node.name];
      loop.name = node.name;
      loop.parallelism = node.parallelism;
      loop.log = context->job->FindLog(node.log.empty() ? plan.logical.job.log : node.log);
      loop.catalog = std::make_unique<RuleCatalog>(loop.log, node.op.internal_topics[0]);
      loop.decision_topic = node.op.internal_topics[1];
    }
  });
}

AdminRules::~AdminRules() = default;

Status AdminRules::CheckOperator(const Loops& loops, const std::string& name) const {
  if (loops.empty()) {
    return Err(AdminError::kAdminNotFound, "the job has no operator that makes rules");
  }
  if (name.empty() || loops.count(name) != 0) return absl::OkStatus();
  std::string names;
  for (const auto& [other, loop] : loops) absl::StrAppend(&names, names.empty() ? "" : ", ", other);
  return Err(AdminError::kAdminNotFound, absl::StrCat("no operator '", name, "' makes rules"),
             absl::StrCat("those that do: ", names));
}

Status AdminRules::Refresh(Loop* loop) const {
  WEIR_RETURN_IF_ERROR(loop->catalog->Refresh());
  const int64_t watermark = WatermarkOf(*loop);
  if (watermark > std::numeric_limits<int64_t>::min() + kForgetAfterMs) {
    loop->catalog->Sweep(watermark - kForgetAfterMs);
  }
  return absl::OkStatus();
}

int64_t AdminRules::WatermarkOf(const Loop& loop) const {
  int64_t watermark = std::numeric_limits<int64_t>::max();
  for (const MetricSample& sample : context_->job->metrics()->Collect()) {
    if (sample.name != "weir_operator_watermark_timestamp_seconds" || sample.value == kUnsetGauge) {
      continue;
    }
    for (const auto& [key, value] : sample.labels) {
      if (key == "operator" && value == loop.name) watermark = std::min(watermark, sample.value);
    }
  }
  return watermark == std::numeric_limits<int64_t>::max() ? std::numeric_limits<int64_t>::min()
                                                          : watermark;
}

int AdminRules::AppliedBy(const Loop& loop, int64_t offset) const {
  int subtasks = 0;
  for (const MetricSample& sample : context_->job->metrics()->Collect()) {
    if (sample.name != "weir_agent_rule_log_position" || sample.value <= offset) continue;
    for (const auto& [key, value] : sample.labels) {
      subtasks += key == "operator" && value == loop.name ? 1 : 0;
    }
  }
  return subtasks;
}

void AdminRules::Fill(const Loop& loop, const RuleEntry& entry, admin::v1::RuleInfo* out) const {
  RuleToProto(entry.rule, out->mutable_rule());
  if (entry.change) RuleToProto(*entry.change, out->mutable_last_change());
  out->set_operator_(loop.name);
  out->set_state(entry.rule.expires_ms < WatermarkOf(loop) ? "expired"
                 : entry.off()                             ? "disabled"
                                                           : "active");
  out->set_versions(entry.versions);
  out->set_offset(entry.offset);
  out->set_applied_subtasks(AppliedBy(loop, entry.offset));
  out->set_subtasks(loop.parallelism);
}

Status AdminRules::List(const admin::v1::ListRulesRequest& request,
                        admin::v1::ListRulesReply* out) {
  const int limit = request.limit() <= 0 ? kDefaultLimit : std::min(request.limit(), kMaxLimit);
  return loops_.With([&](Loops* loops) -> Status {
    WEIR_RETURN_IF_ERROR(CheckOperator(*loops, request.operator_()));
    int64_t total = 0;
    for (auto& [name, loop] : *loops) {
      if (!request.operator_().empty() && name != request.operator_()) continue;
      WEIR_RETURN_IF_ERROR(Refresh(&loop));
      const int64_t watermark = WatermarkOf(loop);
      for (const auto& [id, entry] : loop.catalog->rules()) {
        if (!request.all() && entry.rule.expires_ms < watermark) continue;
        if (!Contains(entry.rule, request.contains())) continue;
        if (++total <= limit) Fill(loop, entry, out->add_rules());
      }
    }
    out->set_total(total);
    return absl::OkStatus();
  });
}

StatusOr<AdminRules::Found> AdminRules::Find(Loops* loops, const std::string& id,
                                             const std::string& name) const {
  WEIR_RETURN_IF_ERROR(CheckOperator(*loops, name));
  WEIR_RETURN_IF_ERROR(CheckPrefix(id));
  std::vector<Found> found;
  for (auto& [other, loop] : *loops) {
    if (!name.empty() && other != name) continue;
    WEIR_RETURN_IF_ERROR(Refresh(&loop));
    const auto& rules = loop.catalog->rules();
    for (auto it = rules.lower_bound(id); it != rules.end(); ++it) {
      if (it->first.compare(0, id.size(), id) != 0 || found.size() > 1) break;
      found.push_back({&loop, it->second});
    }
  }
  if (found.empty()) {
    return Err(AdminError::kAdminNotFound, absl::StrCat("there is no rule '", id, "'"),
               "see which there are: weirctl rules list --all");
  }
  if (found.size() == 1) return std::move(found[0]);
  const bool same = found[0].entry.rule.id == found[1].entry.rule.id;
  return Err(
      AdminError::kAdminAmbiguous,
      absl::StrCat("'", id, "' fits ", found[0].entry.rule.id, " and ", found[1].entry.rule.id),
      same ? "say which operator: --operator NAME" : "give more digits of the id");
}

Status AdminRules::Get(const admin::v1::GetRuleRequest& request, admin::v1::RuleInfo* out) {
  return loops_.With([&](Loops* loops) -> Status {
    WEIR_ASSIGN_OR_RETURN(const Found found, Find(loops, request.id(), request.operator_()));
    Fill(*found.loop, found.entry, out);
    return absl::OkStatus();
  });
}

StatusOr<AdminRules::Found> AdminRules::Append(Loops* loops,
                                               const admin::v1::SwitchRuleRequest& request,
                                               bool* changed) {
  WEIR_ASSIGN_OR_RETURN(Found found, Find(loops, request.id(), request.operator_()));
  *changed = found.entry.off() != request.disable();
  if (!*changed) return found;
  const Loop& loop = *found.loop;
  const Rule rule =
      MakeSwitch(found.entry, request.disable(),
                 {Bounded(request.by()), Bounded(request.reason()), context_->env.clock->NowMs()});
  LogAppend record;
  record.value = RuleToLine(rule);
  // Not the rule's own key: a log that keeps the last record of a key would drop the rule itself.
  record.key = absl::StrCat(rule.id, "/switch");
  record.effect_id = absl::StrCat(RuleKey(rule), "/switch");
  record.timestamp_ms = rule.change->at_ms;
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<LogWriter> writer,
                        loop.log->OpenWriter(loop.catalog->topic(), 0, context_->job->epoch()));
  WEIR_ASSIGN_OR_RETURN(found.entry.offset, writer->Append({&record, 1}));
  WEIR_RETURN_IF_ERROR(writer->Sync());
  LogWarning("admin", absl::StrCat("rule ", rule.id, " of ", loop.name,
                                   request.disable() ? " disabled" : " enabled", " by ",
                                   rule.change->by, ": ", rule.change->reason));
  found.entry.change = rule;
  return found;
}

Status AdminRules::Switch(const admin::v1::SwitchRuleRequest& request, const Send& send) {
  if (request.by().empty() || request.reason().empty()) {
    return Err(AdminError::kAdminBadRequest, "a switch says who pulled it and why",
               "give --reason, and --by if your user name says nothing");
  }
  const int64_t start_ns = context_->env.clock->MonoNs();
  bool changed = false;
  StatusOr<Found> found =
      loops_.With([&](Loops* loops) { return Append(loops, request, &changed); });
  WEIR_RETURN_IF_ERROR(found.status());
  admin::v1::SwitchRuleProgress progress;
  progress.set_durable(true);
  progress.set_changed(changed);
  do {
    Fill(*found->loop, found->entry, progress.mutable_rule());
    progress.set_effective(progress.rule().applied_subtasks() >= progress.rule().subtasks());
    progress.set_elapsed_ms((context_->env.clock->MonoNs() - start_ns) / 1'000'000);
    if (!send(progress)) {
      return Err(AdminError::kAdminCancelled, "nobody waits for the switch; it is durable");
    }
    if (progress.effective()) {
      // So that a crash replays as little as possible from before the switch under it.
      if (changed) context_->job->RequestCheckpoint(nullptr);
      return absl::OkStatus();
    }
  } while (!context_->job->WaitForMs(kLookEveryMs));
  return Err(AdminError::kAdminCancelled,
             "the job ended before every subtask had applied the switch",
             "it is durable and holds from the job's next start");
}

Status AdminRules::GetDecision(const admin::v1::GetDecisionRequest& request,
                               const std::function<bool()>& cancelled,
                               admin::v1::DecisionInfo* out) {
  WEIR_RETURN_IF_ERROR(CheckPrefix(request.id()));
  struct Place {
    std::string name, topic;
    LogClient* log;
  };
  std::vector<Place> places;
  WEIR_RETURN_IF_ERROR(loops_.With([&](Loops* loops) -> Status {
    for (auto& [name, loop] : *loops) {
      if (!request.operator_().empty() && name != request.operator_()) continue;
      places.push_back({name, loop.decision_topic, loop.log});
    }
    return CheckOperator(*loops, request.operator_());
  }));
  for (const Place& place : places) {
    WEIR_ASSIGN_OR_RETURN(const std::optional<FoundDecision> found,
                          FindDecision(place.log, place.topic, request.id(), cancelled));
    if (!found) continue;
    DecisionToProto(found->decision, out->mutable_decision());
    out->set_operator_(place.name);
    out->set_key_text(KeyText(found->decision.key));
    out->set_topic(place.topic);
    out->set_partition(found->partition);
    out->set_offset(found->offset);
    if (!found->decision.rule) return absl::OkStatus();
    admin::v1::GetRuleRequest rule;
    rule.set_id(found->decision.rule->id);
    rule.set_operator_(place.name);
    if (!Get(rule, out->mutable_rule()).ok()) out->clear_rule();  // it was swept
    return absl::OkStatus();
  }
  return Err(AdminError::kAdminNotFound, absl::StrCat("there is no decision '", request.id(), "'"),
             "the id is the request_id of a record of the decisions or actions");
}

}  // namespace weir
