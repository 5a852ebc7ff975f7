#include "agent/rule_log.h"

#include <utility>

#include "engine/base/fail_point.h"

namespace weir {

RuleLog::RuleLog(OperatorContext* context, const std::string& topic,
                 std::function<void(const Status&)> fail, std::function<void()> done)
    : fail_(std::move(fail)),
      done_(std::move(done)),
      writer_(context->env().io, context->mail(),
              std::make_shared<LazyLogWriter>(context->log(), topic, 0, context->info().epoch)) {}

void RuleLog::Append(const Rule& rule) {
  WEIR_SIM_POINT("rule.append.before");
  LogAppend record;
  record.value = RuleToLine(rule);
  record.key = rule.id;
  record.effect_id = RuleKey(rule);
  record.timestamp_ms = rule.origin.event_time_ms;
  ++appending_;
  std::vector<LogAppend> records;
  records.push_back(std::move(record));
  writer_.Append(std::move(records), nullptr);
  writer_.Sync([this](const Status& status) {
    --appending_;
    if (!status.ok()) return fail_(status);
    WEIR_SIM_POINT("rule.append.after");
    done_();
  });
}

}  // namespace weir
