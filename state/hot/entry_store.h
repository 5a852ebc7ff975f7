// Where the entries of one hot table live: fixed-size blocks in slabs that never move, so that a
// value's address is stable and an entry is known by a 4-byte number.
//
//   block = HotEntry | key bytes, sub key bytes (or a pointer to them) | [last access] | value
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/core/state_backend.h"
#include "state/hot/number_list.h"
#include "state/hot/pages.h"

namespace weir {

inline constexpr uint32_t kNoEntry = UINT32_MAX;

struct alignas(8) HotEntry {
  static constexpr uint8_t kLive = 1;
  static constexpr uint8_t kHeapKey = 2;  // the key area holds a pointer to the bytes
  static constexpr uint8_t kBorn = 4;     // created since the last seal (valid while it is dirty)
  // Over a store only (hot_table_store.cc):
  static constexpr uint8_t kGone = 8;    // known to be absent, whatever the store says
  static constexpr uint8_t kUsed = 16;   // asked for since the clock hand passed
  static constexpr uint8_t kFresh = 32;  // neither in the store nor on its way there

  uint32_t key_size;
  uint32_t sub_size;
  uint32_t dirty_seq;   // the table's sequence when it was last dirtied, 0 = clean (hot_table.h)
  uint32_t heap_bytes;  // what the value owned when it was last measured
  uint32_t left;        // tree of one key's sub keys (key_tree.h); of a free block: the next one
  uint32_t right;
  uint16_t group;
  uint8_t flags;
};
static_assert(sizeof(HotEntry) == 32);

class EntryStore {
 public:
  // `stamped`: blocks have room for the time of the last access.
  EntryStore(const ValueOps* ops, bool stamped) : ops_(ops), stamped_(stamped) {}
  ~EntryStore();
  EntryStore(const EntryStore&) = delete;
  EntryStore& operator=(const EntryStore&) = delete;

  // A live entry with a default value, in no tree. A block that is used again keeps its dirty_seq.
  uint32_t Create(const StateKey& key);
  // Releases value and key bytes; the block is used again by a later Create.
  void Destroy(uint32_t number);
  // Gives a live entry a new default value, as if it had just been created.
  void Renew(HotEntry* entry);

  HotEntry* At(uint32_t number) {
    const Place place(number);
    return reinterpret_cast<HotEntry*>(slabs_[place.slab].get() + place.index * stride_);
  }
  const HotEntry* At(uint32_t number) const { return const_cast<EntryStore*>(this)->At(number); }

  void* Value(HotEntry* entry) const { return reinterpret_cast<char*>(entry) + value_at_; }
  const void* Value(const HotEntry* entry) const {
    return reinterpret_cast<const char*>(entry) + value_at_;
  }
  // Only if stamped.
  int64_t& Stamp(HotEntry* entry) const {
    return *reinterpret_cast<int64_t*>(reinterpret_cast<char*>(entry) + stamp_at_);
  }
  std::string_view Key(const HotEntry* entry) const { return {Bytes(entry), entry->key_size}; }
  std::string_view Sub(const HotEntry* entry) const {
    return {Bytes(entry) + entry->key_size, entry->sub_size};
  }
  bool Matches(const HotEntry* entry, const StateKey& key) const {
    return entry->key_size == key.key.size() && entry->sub_size == key.sub.size() &&
           entry->group == key.group && Key(entry) == key.key && Sub(entry) == key.sub;
  }

  // Numbers below this have been given out; not all of them are live.
  uint32_t end() const { return end_; }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return size_t{end_} * stride_ + heap_bytes_; }
  size_t used_bytes() const { return size_ * stride_ + heap_bytes_; }  // without free blocks

  void Prefetch(uint32_t number) {
    const char* at = reinterpret_cast<const char*>(At(number));
    PrefetchLine(at);
    if (stride_ > 64) PrefetchLine(at + 64);
  }
  // Brings the account of what this entry's value owns up to date.
  void Measure(HotEntry* entry);

 private:
  using Place = SlabPlace<5>;
  static constexpr int kMaxSlabs = 28;  // 2^33 blocks: more than there are numbers

  const char* Bytes(const HotEntry* entry) const {
    const char* area = reinterpret_cast<const char*>(entry) + sizeof(HotEntry);
    if ((entry->flags & HotEntry::kHeapKey) == 0) [[likely]]
      return area;
    return *reinterpret_cast<char* const*>(area);
  }
  void Layout(size_t key_bytes);
  uint32_t TakeBlock();
  void CopyKey(HotEntry* entry, const StateKey& key);

  const ValueOps* const ops_;
  const bool stamped_;
  // Set by the first Create, from its key: the keys of one state are of similar length.
  size_t inline_bytes_ = 0;
  size_t stamp_at_ = 0;
  size_t value_at_ = 0;
  size_t stride_ = 0;
  uint32_t end_ = 0;
  uint32_t free_ = kNoEntry;
  size_t size_ = 0;
  size_t heap_bytes_ = 0;  // of keys and values, outside of the blocks
  Pages slabs_[kMaxSlabs];
};

}  // namespace weir
