// Rules and decisions for people: what the logs say, and the kill switch. The switch is a record in
// the rule log like any other; every subtask takes it from there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/rule_catalog.h"
#include "engine/base/guarded.h"
#include "engine/base/status.h"
#include "engine/server/admin_context.h"

namespace weir::admin::v1 {
class DecisionInfo;
class GetDecisionRequest;
class GetRuleRequest;
class ListRulesReply;
class ListRulesRequest;
class RuleInfo;
class SwitchRuleProgress;
class SwitchRuleRequest;
}  // namespace weir::admin::v1

namespace weir {

// Thread-safe; all calls may block.
class AdminRules {
 public:
  using Send = std::function<bool(const admin::v1::SwitchRuleProgress&)>;

  // `context` outlives it.
  explicit AdminRules(const AdminContext* context);
  ~AdminRules();

  Status List(const admin::v1::ListRulesRequest& request, admin::v1::ListRulesReply* out);
  Status Get(const admin::v1::GetRuleRequest& request, admin::v1::RuleInfo* out);
  // Appends the switch, durably, then waits until every subtask has applied it. Twice is once.
  Status Switch(const admin::v1::SwitchRuleRequest& request, const Send& send);
  Status GetDecision(const admin::v1::GetDecisionRequest& request,
                     const std::function<bool()>& cancelled, admin::v1::DecisionInfo* out);

 private:
  struct Loop {  // one agent_loop operator
    std::string name;
    int parallelism = 1;
    LogClient* log = nullptr;
    std::string decision_topic;
    std::unique_ptr<RuleCatalog> catalog;
  };
  using Loops = std::map<std::string, Loop>;
  struct Found {
    const Loop* loop;
    RuleEntry entry;
  };

  // kAdminNotFound if the job has no such operator.
  Status CheckOperator(const Loops& loops, const std::string& name) const;
  Status Refresh(Loop* loop) const;
  StatusOr<Found> Find(Loops* loops, const std::string& id, const std::string& name) const;
  // Appends, and looks again at what stands then.
  StatusOr<Found> Append(Loops* loops, const admin::v1::SwitchRuleRequest& request, bool* changed);
  void Fill(const Loop& loop, const RuleEntry& entry, admin::v1::RuleInfo* out) const;
  int64_t WatermarkOf(const Loop& loop) const;
  // Subtasks that have applied everything up to this offset of the rule log.
  int AppliedBy(const Loop& loop, int64_t offset) const;

  const AdminContext* context_;
  Guarded<Loops> loops_;
};

}  // namespace weir
