// A list of entry numbers that grows without moving what is in it. Slab k holds kFirst << k items,
// as in EntryStore: a short list is small, a long one has few slabs.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "state/hot/pages.h"

namespace weir {

// Where item n of such a sequence of slabs is.
template <int kFirstBits>
struct SlabPlace {
  explicit SlabPlace(uint64_t n) {
    const uint64_t shifted = n + (uint64_t{1} << kFirstBits);
    const int top = 63 - __builtin_clzll(shifted);
    slab = top - kFirstBits;
    index = shifted - (uint64_t{1} << top);
  }
  // How many items the slab has.
  uint64_t items() const { return uint64_t{1} << (slab + kFirstBits); }
  int slab;
  uint64_t index;
};

class NumberList {
 public:
  void push_back(uint32_t number) {
    const Place place(size_);
    if (place.index == 0 && slabs_[place.slab].get() == nullptr) {
      slabs_[place.slab] = Pages(place.items() * sizeof(uint32_t), false);
      bytes_ += place.items() * sizeof(uint32_t);
    }
    At(place) = number;
    ++size_;
  }
  uint32_t operator[](size_t i) const { return At(Place(i)); }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return bytes_; }
  // Keeps the memory: the next epoch will need about as much.
  void clear() { size_ = 0; }
  void swap(NumberList& other) { std::swap(*this, other); }

 private:
  using Place = SlabPlace<6>;
  uint32_t& At(const Place& place) const {
    return reinterpret_cast<uint32_t*>(slabs_[place.slab].get())[place.index];
  }
  std::array<Pages, 28> slabs_;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace weir
