#include "agent/grpc/circuit_breaker.h"

#include <algorithm>

namespace weir {

namespace {
constexpr int64_t kQuietNs = 60'000'000'000;
}

CircuitBreaker::State CircuitBreaker::state(int64_t now_ns) {
  if (state_ == State::kOpen && now_ns - changed_ns_ >= config_.cooldown_ns) HalfOpen(now_ns);
  return state_;
}

bool CircuitBreaker::Admits(int64_t now_ns) {
  const State now = state(now_ns);
  return now == State::kClosed || (now == State::kHalfOpen && !probing_);
}

void CircuitBreaker::OnSend(int64_t now_ns) {
  if (state(now_ns) == State::kHalfOpen) probing_ = true;
}

void CircuitBreaker::OnSuccess() {
  state_ = State::kClosed;
  failures_ = 0;
  probing_ = false;
}

void CircuitBreaker::OnFailure(int64_t began_ns, int64_t now_ns) {
  if (now_ns - last_ns_ > config_.after_ns + kQuietNs) failures_ = 0;  // another story
  last_ns_ = now_ns;
  if (failures_ == 0) since_ns_ = began_ns;
  since_ns_ = std::min(since_ns_, began_ns);
  ++failures_;
  if (state_ == State::kHalfOpen) {
    if (began_ns >= changed_ns_) Open(now_ns);
    return;
  }
  const bool enough = failures_ >= config_.failures && now_ns - since_ns_ >= config_.after_ns;
  if (state_ == State::kClosed && enough) Open(now_ns);
}

void CircuitBreaker::OnDropped(int64_t sent_ns) {
  if (state_ == State::kHalfOpen && sent_ns >= changed_ns_) probing_ = false;
}

void CircuitBreaker::OnConnected(int64_t now_ns) {
  if (state_ == State::kOpen) HalfOpen(now_ns);
}

void CircuitBreaker::Open(int64_t now_ns) {
  state_ = State::kOpen;
  changed_ns_ = now_ns;
  probing_ = false;
}

void CircuitBreaker::HalfOpen(int64_t now_ns) {
  state_ = State::kHalfOpen;
  changed_ns_ = now_ns;
  probing_ = false;
}

}  // namespace weir
