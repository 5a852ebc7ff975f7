// When to ask, ask again and give up: the one owner of retries (reliability A-9). Pure logic over
// monotonic time; requests are named by their sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace weir {

class Attempts {
 public:
  struct Config {
    size_t capacity = 1000;  // requests that are asked at the same time
    int64_t timeout_ns = 0;  // over all attempts, from the first one
    int64_t attempt_timeout_ns = 0;
    int64_t backoff_ns = 100'000'000;  // after the first failed attempt; doubles
  };
  struct Due {
    int64_t sequence;
    bool gave_up;  // the overall timeout; else: send again
    int attempt;   // the last one made, or the one to make
  };

  explicit Attempts(const Config& config) : config_(config) {}

  // A new request waits for a place.
  void Add(int64_t sequence) { unsent_.push_back(sequence); }
  // The next request that has a place, or -1. It counts as sent now, as attempt 1.
  int64_t TakeSendable(int64_t now_ns);
  // The attempt failed in a way that allows another: it is due after the backoff, and not before
  // `at_least_ns` from now, for which the agent has asked.
  void RetryLater(int64_t sequence, int64_t now_ns, int64_t at_least_ns = 0);
  // Requests whose time has come. One that is to be sent again counts as sent now. Both cannot come
  // for one request in one call: giving up wins.
  void TakeDue(int64_t now_ns, std::vector<Due>* out);
  // Decided or gone: frees its place. Unknown ones are fine.
  void Remove(int64_t sequence);

  // Number of the attempt under way; 0 if the request was never sent.
  int attempt(int64_t sequence) const;
  int64_t deadline_ns(int64_t sequence) const;
  int64_t next_ns() const { return timers_.empty() ? INT64_MAX : timers_.begin()->first; }
  size_t in_flight() const { return sent_.size(); }
  size_t unsent() const { return unsent_.size(); }
  bool full() const { return sent_.size() >= config_.capacity; }

 private:
  struct Sent {
    int attempt = 1;
    int64_t deadline_ns;  // overall
    int64_t timer_ns;     // this request's entry in timers_
  };
  void Arm(int64_t sequence, Sent* sent, int64_t at_ns);

  Config config_;
  std::deque<int64_t> unsent_;
  std::map<int64_t, Sent> sent_;
  std::set<std::pair<int64_t, int64_t>> timers_;  // (time, sequence)
};

}  // namespace weir
