#include "agent/reason/embedded_memo.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/options.h"

namespace weir {

namespace {
constexpr int64_t kDefaultBytes = 64 << 20;
}

EmbeddedMemo::EmbeddedMemo(const Clock* clock, size_t max_bytes, MetricRegistry* metrics)
    : clock_(clock),
      max_bytes_(max_bytes),
      evicted_(metrics->GetCounter("weir_memo_evicted_total", {{"memo", "embedded"}})),
      bytes_(metrics->GetGauge("weir_memo_bytes", {{"memo", "embedded"}})) {}

void EmbeddedMemo::Erase(State* state, Entries::iterator it) {
  state->bytes -= Cost(*it);
  state->index.erase(it->key);
  state->entries.erase(it);
}

void EmbeddedMemo::Get(const std::string& key, int64_t,
                       std::function<void(std::optional<std::string>)> done) {
  const int64_t now = clock_->MonoNs();
  done(state_.With([&](State* state) -> std::optional<std::string> {
    const auto found = state->index.find(key);
    if (found == state->index.end()) return std::nullopt;
    const Entries::iterator it = found->second;
    if (it->expires_ns <= now) {
      Erase(state, it);
      return std::nullopt;
    }
    state->entries.splice(state->entries.begin(), state->entries, it);
    return it->value;
  }));
}

void EmbeddedMemo::Put(const std::string& key, std::string value, int64_t ttl_ms) {
  Entry entry{key, std::move(value), clock_->MonoNs() + ttl_ms * 1'000'000};
  state_.With([&](State* state) {
    const auto found = state->index.find(key);
    if (found != state->index.end()) Erase(state, found->second);
    if (Cost(entry) > max_bytes_) return;
    state->bytes += Cost(entry);
    state->entries.push_front(std::move(entry));
    state->index.emplace(state->entries.front().key, state->entries.begin());
    while (state->bytes > max_bytes_) {
      Erase(state, std::prev(state->entries.end()));
      evicted_->Add();
    }
    bytes_->Set(static_cast<int64_t>(state->bytes));
  });
}

MemoType EmbeddedMemoType() {
  MemoType type;
  type.scheme = "embedded";
  type.doc = "Inside of the agent's process; forgotten with it. `embedded:64MiB` sets its bound.";
  type.create = [](const Env& env, const std::string& url,
                   MetricRegistry* metrics) -> StatusOr<std::shared_ptr<Memo>> {
    int64_t bytes = kDefaultBytes;
    if (const size_t colon = url.find(':'); colon != std::string::npos) {
      WEIR_ASSIGN_OR_RETURN(bytes, ParseSize(url.substr(colon + 1)));
    }
    if (bytes <= 0) {
      return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", url, "' leaves the memo no room"));
    }
    return std::shared_ptr<Memo>(
        std::make_shared<EmbeddedMemo>(env.clock, static_cast<size_t>(bytes), metrics));
  };
  return type;
}

}  // namespace weir
