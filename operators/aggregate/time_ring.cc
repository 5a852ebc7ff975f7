#include "operators/aggregate/time_ring.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr uint32_t kFirstSlots = 4;
constexpr uint64_t kMaxTimes = uint64_t{1} << 30;

}  // namespace

int64_t TimeRing::Add(int64_t ts, const Limits& limits) {
  if (size_ > limits.cap) DropFront(size_ - limits.cap);  // the cap was higher when it was written
  if (size_ == capacity_ && size_ < limits.cap) MakeRoom(limits);
  return size_ == 0 || ts >= newest_ ? Append(ts, limits) : Insert(ts, limits);
}

void TimeRing::MakeRoom(const Limits& limits) {
  DropUpTo(limits.needless);
  if (size_ == capacity_) Grow();
}

int64_t TimeRing::Append(int64_t ts, const Limits& limits) {
  if (size_ == limits.cap) DropFront(1);
  slot(size_++) = ts;
  newest_ = ts;
  const int64_t begin = AddTimes(ts, -limits.window);
  while (start_ + 1 < size_ && at(start_) <= begin) ++start_;
  return static_cast<int64_t>(size_ - start_);
}

int64_t TimeRing::Insert(int64_t ts, const Limits& limits) {
  const size_t first = UpperBound(AddTimes(ts, -limits.window));
  const size_t last = LowerBound(AddTimes(ts, limits.window));
  const auto count = static_cast<int64_t>(std::min<size_t>(last - first + 1, limits.cap));
  size_t place = UpperBound(ts);
  if (size_ == limits.cap) {
    if (place == 0) return count;  // it would be the first to be dropped
    DropFront(1);
    --place;
  }
  ++size_;
  for (size_t i = size_ - 1; i > place; --i) slot(i) = at(i - 1);
  slot(place) = ts;
  if (place < start_) ++start_;
  return count;
}

void TimeRing::DropUpTo(int64_t limit) {
  size_t count = 0;
  while (count < size_ && at(count) <= limit) ++count;
  DropFront(count);
}

void TimeRing::DropFront(size_t count) {
  head_ += static_cast<uint32_t>(count);
  size_ -= static_cast<uint32_t>(count);
  start_ -= std::min(start_, static_cast<uint32_t>(count));
}

void TimeRing::Grow() {
  const uint32_t capacity = std::max(kFirstSlots, capacity_ * 2);
  auto grown = std::make_unique<int64_t[]>(capacity);
  for (size_t i = 0; i < size_; ++i) grown[i] = at(i);
  slots_ = std::move(grown);
  capacity_ = capacity;
  head_ = 0;
}

size_t TimeRing::UpperBound(int64_t ts) const {
  return ts == INT64_MAX ? size_ : LowerBound(ts + 1);
}

size_t TimeRing::LowerBound(int64_t ts) const {
  size_t begin = 0, length = size_;
  while (length > 0) {
    const size_t half = length / 2;
    if (at(begin + half) < ts) {
      begin += half + 1;
      length -= half + 1;
    } else {
      length = half;
    }
  }
  return begin;
}

void TimeRing::Encode(std::string* out) const {
  PutSigned(out, timer_ms);
  PutVarint(out, size_);
  // Distances are small and never negative. The subtraction may wrap; so does Decode's addition.
  uint64_t previous = 0;
  for (size_t i = 0; i < size_; ++i) {
    const auto ts = static_cast<uint64_t>(at(i));
    PutVarint(out, ts - previous);
    previous = ts;
  }
}

bool TimeRing::Decode(ByteReader* in) {
  *this = TimeRing();
  timer_ms = in->Signed();
  const uint64_t count = in->Varint();
  if (!in->ok() || count > in->rest().size()) return false;  // every time takes at least a byte
  if (count > kMaxTimes) return false;
  while (capacity_ < count) Grow();
  uint64_t previous = 0;
  for (uint64_t i = 0; i < count; ++i) {
    previous += in->Varint();
    const auto ts = static_cast<int64_t>(previous);
    if (i > 0 && ts < newest_) return false;
    slot(size_++) = ts;
    newest_ = ts;
  }
  return in->ok();
}

}  // namespace weir
