// The memo on any server that speaks RESP: GET and SET ... PX, pipelined over one connection that
// one thread of this folder owns.
#pragma once

#include <memory>
#include <string>

#include "connectors/redis/redis_url.h"
#include "engine/base/env.h"
#include "engine/core/memo.h"

namespace weir {

struct RedisMemoOptions {
  std::string key_prefix = "weir:memo:";
  size_t max_queue = 10'000;           // commands without a reply; one more fails at once
  size_t max_queue_bytes = 32u << 20;  // of them
  int64_t connect_timeout_ms = 2'000;  // TLS, AUTH and SELECT included
  int64_t stall_timeout_ms = 2'000;    // without a reply this long: the connection is given up
  int64_t min_backoff_ms = 50, max_backoff_ms = 5'000;  // between tries to connect
};

// While there is no connection and none is being made, everything is a miss at once: a dead server
// costs nothing. Failures are counted as `weir_memo_failures_total{memo="redis", reason}`:
//   down (no connection), full (the queue), timeout, lost (the connection broke), refused (an error
//   reply), connect (a try to connect, with TLS, AUTH and SELECT)
// `weir_memo_connected` is 0 or 1.
class RedisMemo : public Memo {
 public:
  RedisMemo(const Env& env, RedisEndpoint endpoint, const RedisMemoOptions& options,
            MetricRegistry* metrics);
  // Whoever waits for a Get gets a miss.
  ~RedisMemo() override;
  void Get(const std::string& key, int64_t timeout_ms,
           std::function<void(std::optional<std::string>)> done) override;
  void Put(const std::string& key, std::string value, int64_t ttl_ms) override;

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

// "redis" or "rediss".
MemoType RedisMemoType(const std::string& scheme);

}  // namespace weir
