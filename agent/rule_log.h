// The writing side of the rule log: one partition, shared by all subtasks. Readers drop what they
// have, so appending twice does no harm.
#pragma once

#include <functional>
#include <memory>
#include <string>
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

  void Append(const Rule& rule);
  bool idle() const { return appending_ == 0; }

 private:
  std::function<void(const Status&)> fail_;
  std::function<void()> done_;
  AsyncLogWriter writer_;
  size_t appending_ = 0;
};

}  // namespace weir
