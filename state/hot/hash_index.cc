#include "state/hot/hash_index.h"

#include <cstring>
#include <utility>

namespace weir {

size_t HashIndex::SlotOf(uint64_t hash, uint32_t number) const {
  WEIR_CHECK(slots_ != nullptr, "an entry is missing in the index");
  size_t i = Home(Tag(hash));
  while (at(i).number != number) {
    WEIR_CHECK(at(i).number != kNoEntry, "an entry is missing in the index");
    i = Next(i);
  }
  return i;
}

void HashIndex::Place(Slot slot) {
  size_t i = Home(slot.tag);
  while (at(i).number != kNoEntry) i = Next(i);
  at(i) = slot;
}

void HashIndex::Insert(uint64_t hash, uint32_t number) {
  // At most five eighths full: linear probing then ends within a line.
  if (slots_ == nullptr || size_ + 1 > capacity() / 8 * 5) Grow();
  Place({Tag(hash), number});
  ++size_;
}

void HashIndex::Grow() {
  const size_t old_capacity = slots_ == nullptr ? 0 : capacity();
  const Pages old = std::move(slots_);
  bits_ = old_capacity == 0 ? kMinBits : bits_ + 1;
  WEIR_CHECK(bits_ <= kMaxBits, "a state index is full");
  slots_ = AllocatePages(capacity() * sizeof(Slot));
  std::memset(slots_.get(), 0xFF, capacity() * sizeof(Slot));  // every number is kNoEntry
  const auto* slots = reinterpret_cast<const Slot*>(old.get());
  for (size_t i = 0; i < old_capacity; ++i) {
    if (slots[i].number != kNoEntry) Place(slots[i]);
  }
}

void HashIndex::Erase(uint64_t hash, uint32_t number) {
  size_t hole = SlotOf(hash, number);
  // Slots behind the hole move up unless that would put them before their home: no tombstones.
  for (size_t i = Next(hole); at(i).number != kNoEntry; i = Next(i)) {
    const size_t from_home = (i - Home(at(i).tag)) & (capacity() - 1);
    const size_t from_hole = (i - hole) & (capacity() - 1);
    if (from_home < from_hole) continue;
    at(hole) = at(i);
    hole = i;
  }
  at(hole).number = kNoEntry;
  --size_;
}

}  // namespace weir
