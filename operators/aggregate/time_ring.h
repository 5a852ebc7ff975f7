// The event times that one key's sliding count still needs, sorted, in a ring of bounded size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/core/codec.h"

namespace weir {

// INT64_MIN and INT64_MAX mean "no time" and "after all", so sums stop there instead of wrapping.
inline int64_t AddTimes(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? INT64_MIN : INT64_MAX;
}

class TimeRing {
 public:
  struct Limits {
    int64_t window;    // the same in all calls
    uint32_t cap;      // the most times kept, and the highest count
    int64_t needless;  // times <= it count for nothing any more; no time that is added is
  };
  // Adds a time. Returns how many times are in (ts - window, ts + window), this one included, at
  // most `cap`. Keeps the newest `cap` times. Appending at or after the newest time takes constant
  // time on average. Needless times go when there is no room left, so that the common append
  // touches the ring's end only.
  int64_t Add(int64_t ts, const Limits& limits);
  // Drops all times <= limit.
  void DropUpTo(int64_t limit);

  // Asks for the memory that an Add at the ring's end will touch.
  void Prefetch() const {
    if (capacity_ == 0) return;
    __builtin_prefetch(&slots_[(head_ + size_) & (capacity_ - 1)], 1);
    __builtin_prefetch(&slots_[(head_ + start_) & (capacity_ - 1)]);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t at(size_t i) const { return slots_[(head_ + i) & (capacity_ - 1)]; }
  int64_t newest() const { return newest_; }  // of a ring that is not empty

  // When the timer that will remove this state fires; 0 = none is registered.
  int64_t timer_ms = 0;

  void Encode(std::string* out) const;
  bool Decode(ByteReader* in);
  size_t HeapBytes() const { return capacity_ * sizeof(int64_t); }

 private:
  int64_t& slot(size_t i) { return slots_[(head_ + i) & (capacity_ - 1)]; }
  int64_t Append(int64_t ts, const Limits& limits);
  int64_t Insert(int64_t ts, const Limits& limits);
  void MakeRoom(const Limits& limits);
  void DropFront(size_t count);
  void Grow();
  // The first index with a time > ts (or >= ts).
  size_t UpperBound(int64_t ts) const;
  size_t LowerBound(int64_t ts) const;

  // Small, because it lies in the entry of the hash table that every row touches.
  int64_t newest_ = 0;
  std::unique_ptr<int64_t[]> slots_;
  uint32_t capacity_ = 0;  // a power of two, or 0
  uint32_t head_ = 0;      // slot of the oldest time; counts on beyond the capacity
  uint32_t size_ = 0;
  uint32_t start_ = 0;  // times before it are at least `window` older than the newest; not encoded
};

template <>
struct Codec<TimeRing> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "time_ring"; }
  static void Encode(const TimeRing& ring, std::string* out) { ring.Encode(out); }
  static bool Decode(ByteReader* in, TimeRing* ring) { return ring->Decode(in); }
  static size_t HeapBytes(const TimeRing& ring) { return ring.HeapBytes(); }
};

}  // namespace weir
