// Open addressing from 64-bit hashes to entry numbers. A slot is 8 bytes, so that a lookup touches
// one line here and then the entry itself. The upper half of the hash is both place and tag;
// growing therefore reads the slots alone and writes them in order, never the entries.
#pragma once

#include <cstdint>

#include "engine/base/status.h"
#include "state/hot/entry_store.h"
#include "state/hot/pages.h"

namespace weir {

class HashIndex {
 public:
  // The number under `hash` for which equal(number) holds, or kNoEntry.
  template <typename Equal>
  uint32_t Find(uint64_t hash, Equal&& equal) const {
    if (slots_ == nullptr) return kNoEntry;
    const uint32_t tag = Tag(hash);
    for (size_t i = Home(tag);; i = Next(i)) {
      const Slot slot = at(i);
      if (slot.number == kNoEntry) return kNoEntry;
      if (slot.tag == tag && equal(slot.number)) return slot.number;
    }
  }
  // `number` must not be in the index.
  void Insert(uint64_t hash, uint32_t number);
  // `number` must be in the index.
  void Erase(uint64_t hash, uint32_t number);
  void Replace(uint64_t hash, uint32_t from, uint32_t to) { at(SlotOf(hash, from)).number = to; }

  void Prefetch(uint64_t hash) const {
    if (slots_ != nullptr) __builtin_prefetch(slots_.get() + Home(Tag(hash)) * sizeof(Slot));
  }
  // The first number whose tag fits: almost always the right one.
  uint32_t Candidate(uint64_t hash) const {
    return Find(hash, [](uint32_t) { return true; });
  }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return slots_ == nullptr ? 0 : capacity() * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t tag;
    uint32_t number;  // kNoEntry: empty
  };
  static constexpr int kMinBits = 4;
  static constexpr int kMaxBits = 32;

  static uint32_t Tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  size_t Home(uint32_t tag) const { return tag >> (32 - bits_); }
  size_t Next(size_t i) const { return (i + 1) & (capacity() - 1); }
  size_t capacity() const { return size_t{1} << bits_; }
  Slot& at(size_t i) const { return reinterpret_cast<Slot*>(slots_.get())[i]; }
  size_t SlotOf(uint64_t hash, uint32_t number) const;
  void Place(Slot slot);
  void Grow();

  Pages slots_;
  int bits_ = 0;
  size_t size_ = 0;
};

}  // namespace weir
