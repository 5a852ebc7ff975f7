// The memo inside of the process: bounded by bytes, least recently used goes first.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/guarded.h"
#include "engine/core/memo.h"

namespace weir {

class EmbeddedMemo : public Memo {
 public:
  // Keys, values and kEntryBytes for each count against `max_bytes`.
  static constexpr size_t kEntryBytes = 128;
  EmbeddedMemo(const Clock* clock, size_t max_bytes, MetricRegistry* metrics);

  // Answers before returning.
  void Get(const std::string& key, int64_t timeout_ms,
           std::function<void(std::optional<std::string>)> done) override;
  void Put(const std::string& key, std::string value, int64_t ttl_ms) override;

 private:
  struct Entry {
    std::string key;
    std::string value;
    int64_t expires_ns;  // monotonic
  };
  using Entries = std::list<Entry>;  // most recently used first
  struct State {
    Entries entries;
    std::unordered_map<std::string_view, Entries::iterator> index;  // views into `entries`
    size_t bytes = 0;
  };
  static size_t Cost(const Entry& entry) {
    return entry.key.size() + entry.value.size() + kEntryBytes;
  }
  static void Erase(State* state, Entries::iterator it);

  const Clock* clock_;
  const size_t max_bytes_;
  Guarded<State> state_;
  Counter* evicted_;  // these are written inside of state_ only
  Gauge* bytes_;
};

// "embedded" or "embedded:64MiB".
MemoType EmbeddedMemoType();

}  // namespace weir
