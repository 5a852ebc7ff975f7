// A subtask's side of the rule log: one partition that all subtasks append to. Readers drop what
// they have, so appending twice does no harm.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/lazy_log_writer.h"
#include "agent/rule.h"
#include "engine/core/async_log.h"
#include "engine/core/operator.h"

namespace weir {

class RuleLog {
 public:
  // `fail` gets the first error; after it the log is of no more use. `done` follows every append.
  RuleLog(OperatorContext* context, const std::string& topic,
          std::function<void(const Status&)> fail, std::function<void()> done);

  // Reads from `offset` to the end as it is now, calls `on_rule` for each line and then `ready`. A
  // replay must find the rules that the run before it had, whenever the control input delivers
  // them.
  void ReadToEnd(int64_t offset, std::function<void(int64_t offset, std::string_view line)> on_rule,
                 std::function<void()> ready);

  void Append(const Rule& rule);
  bool idle() const { return appending_ == 0; }

 private:
  void OnRead(const Status& status);

  Executor* io_;
  MailHandle mail_;
  LogClient* client_;
  std::string topic_;
  std::function<void(const Status&)> fail_;
  std::function<void()> done_;
  std::function<void(int64_t, std::string_view)> on_rule_;
  std::function<void()> ready_;
  std::unique_ptr<AsyncLogReader> reader_;
  LogChunk chunk_;
  AsyncLogWriter writer_;
  size_t appending_ = 0;
};

}  // namespace weir
