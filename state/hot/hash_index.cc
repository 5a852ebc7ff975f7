#include "state/hot/hash_index.h"

#include <utility>

namespace weir {

HashIndex::Slot* HashIndex::Slots::FindNumber(uint32_t tag, uint32_t number) const {
  if (capacity() == 0) return nullptr;
  for (size_t i = Home(tag); at(i).number_plus_1 != 0; i = Next(i)) {
    if (at(i).number_plus_1 == number + 1) return &at(i);
  }
  return nullptr;
}

void HashIndex::Slots::Place(Slot slot) {
  size_t i = Home(slot.tag);
  while (at(i).number_plus_1 != 0) i = Next(i);
  at(i) = slot;
}

// Slots behind the hole move up unless that would put them before their home: no tombstones.
void HashIndex::Slots::Erase(Slot* slot) {
  auto hole = static_cast<size_t>(slot - &at(0));
  for (size_t i = Next(hole); at(i).number_plus_1 != 0; i = Next(i)) {
    const size_t from_home = (i - Home(at(i).tag)) & mask();
    const size_t from_hole = (i - hole) & mask();
    if (from_home < from_hole) continue;
    at(hole) = at(i);
    hole = i;
  }
  at(hole).number_plus_1 = 0;
}

HashIndex::Slot* HashIndex::Locate(uint64_t hash, uint32_t number, Slots** where) {
  for (Slots* slots : {&slots_, &old_}) {
    Slot* slot = slots->FindNumber(Tag(hash), number);
    *where = slots;
    if (slot != nullptr) return slot;
  }
  WEIR_CHECK(false, "an entry is missing in the index");
  return nullptr;
}

void HashIndex::Replace(uint64_t hash, uint32_t from, uint32_t to) {
  Slots* where = nullptr;
  Locate(hash, from, &where)->number_plus_1 = to + 1;
}

void HashIndex::Erase(uint64_t hash, uint32_t number) {
  Slots* where = nullptr;
  Slot* slot = Locate(hash, number, &where);
  where->Erase(slot);
  --size_;
}

void HashIndex::Insert(uint64_t hash, uint32_t number) {
  // At most five eighths full: linear probing then ends within a line.
  if (size_ + 1 > slots_.capacity() / 8 * 5) Grow();
  if (growing()) MoveSome();
  slots_.Place({Tag(hash), number + 1});
  ++size_;
}

void HashIndex::Grow() {
  WEIR_CHECK(!growing() && slots_.bits() < kMaxBits, "a state index cannot grow");
  if (slots_.capacity() == 0) {
    slots_ = Slots(kMinBits);
    return;
  }
  old_ = std::exchange(slots_, Slots(slots_.bits() + 1));
  old_start_ = 0;
  while (old_.at(old_start_).number_plus_1 != 0) ++old_start_;
  moved_ = 0;
}

// Done after a sixteenth of the old capacity in insertions, long before the new one is full.
void HashIndex::MoveSome() {
  constexpr size_t kStep = 16;
  bool at_gap = false;
  for (size_t n = 0; moved_ < old_.capacity() && (n < kStep || !at_gap); ++n, ++moved_) {
    Slot& slot = old_.at((old_start_ + moved_) & old_.mask());
    at_gap = slot.number_plus_1 == 0;
    if (at_gap) continue;
    slots_.Place(slot);
    slot.number_plus_1 = 0;
  }
  if (moved_ == old_.capacity()) old_ = Slots();
}

}  // namespace weir
