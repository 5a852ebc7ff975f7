// One edge between two subtasks: a bounded ring, with a wake-up in either direction.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "engine/base/scheduler.h"
#include "engine/base/spsc_ring.h"
#include "engine/model/element.h"

namespace weir {

// Elements in flight on one channel. Deep enough to keep a consumer busy while its producer runs,
// shallow enough that a barrier overtakes nothing for long: alignment waits for what is queued
// here.
inline constexpr size_t kChannelElements = 32;

// Producer side and consumer side each belong to one thread.
class Channel {
 public:
  Channel(std::shared_ptr<Waker> producer, std::shared_ptr<Waker> consumer,
          size_t capacity = kChannelElements)
      : ring_(capacity), producer_(std::move(producer)), consumer_(std::move(consumer)) {}

  // Producer. Never blocks and never loses: what does not fit waits in the spill (DESIGN D23), and
  // the producing task is not given new input until the spill is empty.
  void Push(StreamElement element) {
    if (spill_.empty() && ring_.TryPush(std::move(element))) {
      consumer_->Wake();
      return;
    }
    spill_.push_back(std::move(element));  // NOLINT(bugprone-use-after-move): not taken if full
    Drain();
  }
  // Producer: moves spilled elements on; true if the spill is empty now.
  bool Drain() {
    if (spill_.empty()) return true;
    // Announce first, then try: with Pop's exchange, either this push sees the room that a pop made
    // or that pop sees the announcement. Read-modify-writes on both sides make that so.
    producer_waits_.exchange(true, std::memory_order_acq_rel);
    bool moved = false;
    while (!spill_.empty() && ring_.TryPush(std::move(spill_.front()))) {
      spill_.pop_front();
      moved = true;
    }
    if (moved) consumer_->Wake();
    return spill_.empty();
  }

  // Consumer.
  bool Pop(StreamElement* out) {
    if (!ring_.TryPop(out)) return false;
    if (producer_waits_.exchange(false, std::memory_order_acq_rel)) producer_->Wake();
    return true;
  }
  bool Empty() const { return ring_.empty(); }

 private:
  SpscRing<StreamElement> ring_;
  std::deque<StreamElement> spill_;  // producer's thread only
  std::atomic<bool> producer_waits_{false};
  std::shared_ptr<Waker> producer_;
  std::shared_ptr<Waker> consumer_;
};

}  // namespace weir
