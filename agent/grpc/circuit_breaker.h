// When an endpoint counts as dead. Pure logic over monotonic time.
#pragma once

#include <cstdint>

namespace weir {

// Closed: everything passes. After `failures` in a row, the first of which began at least
// `after_ns` ago, it opens: nothing passes. After `cooldown_ns`, or when a new connection stands,
// it is half-open: one request may try, and what becomes of it closes or opens the breaker.
class CircuitBreaker {
 public:
  struct Config {
    int64_t failures = 5;
    int64_t after_ns = 15'000'000'000;  // long enough for a replica that takes 10 s to start
    int64_t cooldown_ns = 5'000'000'000;
  };
  enum class State { kClosed = 0, kHalfOpen = 1, kOpen = 2 };

  explicit CircuitBreaker(const Config& config) : config_(config) {}

  State state(int64_t now_ns);
  // May a request pass now?
  bool Admits(int64_t now_ns);
  // A request that was admitted goes out; in the half-open state it is the probe.
  void OnSend(int64_t now_ns);
  // An answer, of whatever content.
  void OnSuccess();
  // What began at `began_ns` came to nothing. Failures of before a half-open phase tell nothing
  // new about it.
  void OnFailure(int64_t began_ns, int64_t now_ns);
  // What was sent at `sent_ns` is given up, and nothing can be said about it. If it was the probe,
  // another one may try.
  void OnDropped(int64_t sent_ns);
  // A new connection stands.
  void OnConnected(int64_t now_ns);

  int64_t failures() const { return failures_; }
  int64_t since_ns() const { return since_ns_; }

 private:
  void Open(int64_t now_ns);
  void HalfOpen(int64_t now_ns);

  Config config_;
  State state_ = State::kClosed;
  int64_t failures_ = 0;    // in a row
  int64_t since_ns_ = 0;    // when the first of them began
  int64_t last_ns_ = 0;     // when the last of them was told
  int64_t changed_ns_ = 0;  // when the state was entered
  bool probing_ = false;
};

}  // namespace weir
