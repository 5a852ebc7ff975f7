#include "agent/attempts.h"

#include <algorithm>

namespace weir {

void Attempts::Arm(int64_t sequence, Sent* sent, int64_t at_ns) {
  sent->timer_ns = std::min(at_ns, sent->deadline_ns);
  timers_.insert({sent->timer_ns, sequence});
}

int64_t Attempts::TakeSendable(int64_t now_ns) {
  if (unsent_.empty() || full()) return -1;
  const int64_t sequence = unsent_.front();
  unsent_.pop_front();
  Sent sent;
  sent.deadline_ns = now_ns + config_.timeout_ns;
  Arm(sequence, &sent, now_ns + config_.attempt_timeout_ns);
  sent_.emplace(sequence, sent);
  return sequence;
}

void Attempts::RetryLater(int64_t sequence, int64_t now_ns, int64_t at_least_ns) {
  const auto it = sent_.find(sequence);
  if (it == sent_.end()) return;
  timers_.erase({it->second.timer_ns, sequence});
  const int doublings = std::min(it->second.attempt - 1, 20);
  const int64_t backoff = std::min(config_.backoff_ns << doublings, config_.attempt_timeout_ns);
  Arm(sequence, &it->second, now_ns + std::max(backoff, at_least_ns));
}

void Attempts::TakeDue(int64_t now_ns, std::vector<Due>* out) {
  out->clear();
  while (!timers_.empty() && timers_.begin()->first <= now_ns) {
    const int64_t sequence = timers_.begin()->second;
    timers_.erase(timers_.begin());
    const auto it = sent_.find(sequence);
    if (it->second.deadline_ns <= now_ns) {
      out->push_back({sequence, true, it->second.attempt});
      sent_.erase(it);
      continue;
    }
    ++it->second.attempt;
    // At least a tick ahead, so that a zero attempt timeout cannot spin.
    Arm(sequence, &it->second, now_ns + std::max<int64_t>(config_.attempt_timeout_ns, 1));
    out->push_back({sequence, false, it->second.attempt});
  }
}

void Attempts::Remove(int64_t sequence) {
  const auto it = sent_.find(sequence);
  if (it != sent_.end()) {
    timers_.erase({it->second.timer_ns, sequence});
    sent_.erase(it);
    return;
  }
  const auto unsent = std::find(unsent_.begin(), unsent_.end(), sequence);
  if (unsent != unsent_.end()) unsent_.erase(unsent);
}

int Attempts::attempt(int64_t sequence) const {
  const auto it = sent_.find(sequence);
  return it == sent_.end() ? 0 : it->second.attempt;
}

int64_t Attempts::deadline_ns(int64_t sequence) const {
  const auto it = sent_.find(sequence);
  return it == sent_.end() ? 0 : it->second.deadline_ns;
}

}  // namespace weir
