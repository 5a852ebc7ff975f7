// The inference memo (DESIGN D15, D16): replies by key, so that a question is paid for once. Only a
// cache: it may forget everything at any time, and nothing but money is lost.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/env.h"
#include "engine/base/metrics.h"
#include "engine/base/status.h"

namespace weir {

// Failures are misses: a memo never gives an error, it counts them
// (`weir_memo_failures_total{reason}`). Thread-safe; never blocks the caller.
class Memo {
 public:
  virtual ~Memo() = default;
  // Calls `done` exactly once, on any thread, perhaps before returning: the bytes that were put, or
  // nullopt. After `timeout_ms` it is a miss.
  virtual void Get(const std::string& key, int64_t timeout_ms,
                   std::function<void(std::optional<std::string>)> done) = 0;
  // Keeps `value` for `ttl_ms` (> 0) at most. Nobody is told whether that worked.
  virtual void Put(const std::string& key, std::string value, int64_t ttl_ms) = 0;
};

// A memo by the scheme of its URL: "embedded", "redis", "rediss".
struct MemoType {
  std::string scheme;
  std::string doc;
  // `metrics` outlives the memo. A server that cannot be reached is no error here: it may come up.
  std::function<StatusOr<std::shared_ptr<Memo>>(const Env& env, const std::string& url,
                                                MetricRegistry* metrics)>
      create;
};

}  // namespace weir
