// What callers hand to the thread of the memo: bounded, and refused at once while there is no
// connection to wait for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/base/metrics.h"

namespace weir {

struct RedisCommand {
  enum class Kind { kSetup, kGet, kPut };
  Kind kind = Kind::kSetup;
  std::string bytes;                                     // RESP
  int64_t deadline_ns = INT64_MAX;                       // kGet
  std::function<void(std::optional<std::string>)> done;  // kGet; empty once called
  int64_t sent_ns = 0;
};

class CommandQueue {
 public:
  CommandQueue(size_t max_commands, size_t max_bytes, MetricRegistry* metrics)
      : max_commands_(max_commands), max_bytes_(max_bytes), metrics_(metrics) {}

  // False, and counted, if it is not taken; *command is as it was then. *wake = the thread sleeps.
  bool Add(RedisCommand* command, bool* wake) {
    return state_.With([&](State* s) {
      if (s->down || s->closed) {
        CountIn(s, "down");
        return false;
      }
      if (s->commands >= max_commands_ || s->bytes + command->bytes.size() > max_bytes_) {
        CountIn(s, "full");
        return false;
      }
      ++s->commands;
      s->bytes += command->bytes.size();
      *wake = s->fresh.empty();
      s->fresh.push_back(std::move(*command));
      return true;
    });
  }
  // What has come since the last time. The commands still count until Left.
  std::vector<RedisCommand> Take() {
    return state_.With([](State* s) {
      std::vector<RedisCommand> fresh;
      fresh.swap(s->fresh);
      return fresh;
    });
  }
  // A command has its reply, or will have none.
  void Left(size_t bytes) {
    state_.With([bytes](State* s) {
      --s->commands;
      s->bytes -= bytes;
    });
  }
  void Count(const char* reason) {
    state_.With([this, reason](State* s) { CountIn(s, reason); });
  }
  void SetDown(bool down) {
    state_.With([down](State* s) { s->down = down; });
  }
  void Close() {
    state_.With([](State* s) { s->closed = true; });
  }
  bool closed() {
    return state_.With([](State* s) { return s->closed; });
  }

 private:
  struct State {
    std::vector<RedisCommand> fresh;
    size_t commands = 0;
    size_t bytes = 0;
    bool down = false;
    bool closed = false;
  };
  // A counter has one writer at a time: whoever holds the state.
  void CountIn(State*, const char* reason) {
    metrics_->GetCounter("weir_memo_failures_total", {{"memo", "redis"}, {"reason", reason}})
        ->Add();
  }

  const size_t max_commands_, max_bytes_;
  MetricRegistry* const metrics_;
  Guarded<State> state_;
};

}  // namespace weir
