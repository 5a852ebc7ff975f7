#include "agent/rule_log.h"

#include <algorithm>
#include <utility>

#include "engine/base/fail_point.h"

namespace weir {

RuleLog::RuleLog(OperatorContext* context, const std::string& topic,
                 std::function<void(const Status&)> fail, std::function<void()> done)
    : io_(context->env().io),
      mail_(context->mail()),
      client_(context->log()),
      topic_(topic),
      fail_(std::move(fail)),
      done_(std::move(done)),
      writer_(context->env().io, context->mail(),
              std::make_shared<LazyLogWriter>(context->log(), topic, 0, context->info().epoch)) {}

namespace {

// A topic that does not exist yet has nothing to read.
class NoRecords : public LogReader {
 public:
  Status Read(const LogReadOptions&, LogChunk* out) override {
    *out = LogChunk();
    out->at_end = true;
    return absl::OkStatus();
  }
};

StatusOr<std::unique_ptr<LogReader>> OpenRules(LogClient* client, const std::string& topic,
                                               int64_t offset) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, client->Partitions(topic));
  const bool exists = std::find(partitions.begin(), partitions.end(), 0) != partitions.end();
  if (!exists && offset == 0) return std::make_unique<NoRecords>();
  return client->OpenReader(topic, 0, LogPosition{offset, offset == 0 ? 0 : -1, 0});
}

}  // namespace

void RuleLog::ReadToEnd(int64_t offset, std::function<void(int64_t, std::string_view)> on_rule,
                        std::function<void()> ready) {
  on_rule_ = std::move(on_rule);
  ready_ = std::move(ready);
  reader_ = std::make_unique<AsyncLogReader>(
      io_, mail_,
      [client = client_, topic = topic_, offset] { return OpenRules(client, topic, offset); },
      [this](const Status& status) { OnRead(status); });
  reader_->Start(LogReadOptions());
}

void RuleLog::OnRead(const Status& status) {
  if (!status.ok()) return fail_(status);
  reader_->Take(&chunk_);
  for (const LogItem& item : chunk_.items) on_rule_(item.offset, item.value);
  if (!chunk_.at_end) return reader_->Start(LogReadOptions());
  // The reader must not die inside its own callback.
  mail_.Post([this] {
    reader_.reset();
    ready_();
  });
}

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
