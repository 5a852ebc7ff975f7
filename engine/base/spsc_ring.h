// A bounded single-producer single-consumer ring (DESIGN section 2: one per producer-consumer
// pair).
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

namespace weir {

// Capacity is rounded up to a power of two. One thread pushes, one thread pops; no locks. Each side
// caches the other's index, so that the shared line is read only when the ring looks full or empty.
template <typename T>
class SpscRing {
 public:
  explicit SpscRing(size_t capacity) {
    size_t size = 1;
    while (size < capacity) size *= 2;
    slots_.resize(size);
    mask_ = size - 1;
  }
  size_t capacity() const { return slots_.size(); }

  // False, leaving `value` untouched, when full.
  bool TryPush(T&& value) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_cache_ == slots_.size()) {
      head_cache_ = head_.load(std::memory_order_acquire);
      if (tail - head_cache_ == slots_.size()) return false;
    }
    slots_[tail & mask_] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  bool TryPop(T* out) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_cache_) {
      tail_cache_ = tail_.load(std::memory_order_acquire);
      if (head == tail_cache_) return false;
    }
    *out = std::move(slots_[head & mask_]);
    slots_[head & mask_] = T{};
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  // Exact for the calling side's own moves, a snapshot for the other's.
  // From a third thread (a metric) it may exceed the capacity, but never wraps: head is read first.
  size_t size() const {
    const size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }
  bool empty() const { return size() == 0; }

 private:
  std::vector<T> slots_;
  size_t mask_ = 0;
  alignas(64) std::atomic<size_t> head_{0};
  size_t tail_cache_ = 0;  // consumer's view of tail_
  alignas(64) std::atomic<size_t> tail_{0};
  size_t head_cache_ = 0;  // producer's view of head_
};

}  // namespace weir
