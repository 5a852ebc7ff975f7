// Open addressing from 64-bit hashes to entry numbers. A slot is 8 bytes, so that a lookup touches
// one line here and then the entry itself. The upper half of the hash is both place and tag;
// growing therefore reads the slots alone and writes them in order, never the entries.
//
// Growing is spread over the insertions that follow: they go to the new slots, and each moves a few
// runs of old ones over. A run is what stands between two empty slots, so what is left can always
// be found by probing, and all that is at home before `moved_` is in the new slots.
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
    if (size_ == 0) return kNoEntry;
    const uint32_t tag = Tag(hash);
    if (growing() && MayBeOld(tag)) [[unlikely]] {
      const uint32_t number = old_.Find(tag, equal);
      if (number != kNoEntry) return number;
    }
    return slots_.Find(tag, equal);
  }
  // `number` must not be in the index.
  void Insert(uint64_t hash, uint32_t number);
  // `number` must be in the index.
  void Erase(uint64_t hash, uint32_t number);
  void Replace(uint64_t hash, uint32_t from, uint32_t to);

  void Prefetch(uint64_t hash) const {
    if (size_ > 0) PrefetchLine(&slots_.at(slots_.Home(Tag(hash))));
    if (growing()) PrefetchLine(&old_.at(old_.Home(Tag(hash))));
  }
  // The first number whose tag fits: almost always the right one.
  uint32_t Candidate(uint64_t hash) const {
    return Find(hash, [](uint32_t) { return true; });
  }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return slots_.bytes() + old_.bytes(); }

 private:
  struct Slot {
    uint32_t tag;
    uint32_t number_plus_1;  // 0: empty, so that new memory from the kernel is an empty index
  };
  // Linear probing over a power of two.
  class Slots {
   public:
    Slots() = default;
    explicit Slots(int bits) : pages_((size_t{1} << bits) * sizeof(Slot), true), bits_(bits) {}

    template <typename Equal>
    uint32_t Find(uint32_t tag, Equal&& equal) const {
      for (size_t i = Home(tag);; i = Next(i)) {
        const Slot slot = at(i);
        if (slot.number_plus_1 == 0) return kNoEntry;
        if (slot.tag == tag && equal(slot.number_plus_1 - 1)) return slot.number_plus_1 - 1;
      }
    }
    Slot* FindNumber(uint32_t tag, uint32_t number) const;  // null if not there
    void Place(Slot slot);
    void Erase(Slot* slot);

    size_t Home(uint32_t tag) const { return tag >> (32 - bits_); }
    size_t Next(size_t i) const { return (i + 1) & mask(); }
    Slot& at(size_t i) const { return reinterpret_cast<Slot*>(pages_.get())[i]; }
    int bits() const { return bits_; }
    size_t capacity() const { return pages_.get() == nullptr ? 0 : size_t{1} << bits_; }
    size_t mask() const { return (size_t{1} << bits_) - 1; }
    size_t bytes() const { return capacity() * sizeof(Slot); }

   private:
    Pages pages_;
    int bits_ = 0;
  };
  static constexpr int kMinBits = 4;
  static constexpr int kMaxBits = 32;

  static uint32_t Tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  bool growing() const { return old_.bits() != 0; }
  bool MayBeOld(uint32_t tag) const {
    return ((old_.Home(tag) - old_start_) & old_.mask()) >= moved_;
  }
  Slot* Locate(uint64_t hash, uint32_t number, Slots** where);
  void Grow();
  void MoveSome();

  Slots slots_;
  Slots old_;             // while growing
  size_t old_start_ = 0;  // an empty slot of old_: no run crosses it
  size_t moved_ = 0;      // slots of old_, counted from old_start_, that have been moved over
  size_t size_ = 0;
};

}  // namespace weir
