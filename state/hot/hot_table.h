// One state of one subtask in memory: a hash index over stable entries, and the sealing of epochs
// (DESIGN D5, D6).
//
// Sealing. The table counts seals in seq_. An entry remembers in dirty_seq when it was last
// dirtied:
//   seq_      changed since the last seal; its number is in dirty_, once
//   seq_ - 1  during a delta seal: changed before it and not yet serialised ("pending")
//   other     clean
// A seal takes dirty_ and the erase records aside and increments seq_: that is all. WriteSome then
// walks what was taken, or in a full seal all blocks. Before a pending entry is changed or erased
// its old value is serialised, so what comes out is the table at the seal, never later.
//
// Over a store (hot_table_store.cc). What is serialised is also written back. For each key: if
// there is an entry here, it is the truth; if not, the store is. So an entry may be evicted once
// the store has what it says, and an erased one stays as "gone" until the store has erased it too.
// dirty_seq of a clean entry then is the mark of the flight that carried it last.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "engine/core/state_backend.h"
#include "engine/core/state_store.h"
#include "state/hot/entry_store.h"
#include "state/hot/hash_index.h"
#include "state/hot/number_list.h"
#include "state/hot/record_parts.h"
#include "state/hot/ttl_clock.h"

namespace weir {

// Write-backs that the store has not confirmed, by mark; mark 0 stands for none.
struct Flights {
  static constexpr uint32_t kMarks = 9;
  uint32_t in_the_air[kMarks] = {};
};

// What was asked of a table over a store.
struct StoreReads {
  int64_t lookups = 0;  // of a key, or of all that one key has
  int64_t misses = 0;   // that had to ask the store
  int64_t absent = 0;   // and found nothing there either
  int64_t bytes = 0;    // of values that came
};

class HotTable : public StateTable {
 public:
  // `clock`: of the descriptor's TTL domain, null without TTL; outlives the table.
  HotTable(StateDescriptor descriptor, const TtlClock* clock);

  void* Find(const StateKey& key) override;
  void* FindForWrite(const StateKey& key) override;
  void* FindOrCreate(const StateKey& key, bool* created) override;
  bool Erase(const StateKey& key) override;
  void Prefetch(std::span<const StateKey> keys) override;
  void ScanKey(const KeyRef& key,
               const std::function<bool(std::string_view sub, const void* value)>& fn) override;
  void ScanAll(const std::function<bool(uint16_t group, std::string_view key, std::string_view sub,
                                        const void* value)>& fn) override;
  size_t size() const override { return below_ == nullptr ? store_.size() : count_; }
  size_t memory_bytes() const override;

  const StateDescriptor& descriptor() const { return descriptor_; }
  bool has_ttl() const { return clock_ != nullptr; }

  // Applies a restored record; what it makes is clean.
  Status Load(const StateRecord& record);

  // From now on there is a store below. `holds`: it has entries of this table already, about
  // `count` of them; until it is told of some (LandedBelow), it is not asked.
  void AttachStore(StateStore* below, uint16_t id, const Flights* flights, bool holds,
                   size_t count);
  void LandedBelow() { in_store_ = true; }
  uint16_t id() const { return id_; }
  const StoreReads& reads() const { return reads_; }
  // Memory that eviction can bring down, and the part of it that only a write-back can.
  size_t used_bytes() const;
  size_t dirty_bytes() const;
  // Moves the clock hand over up to `looks` blocks; returns how many entries it took out.
  size_t Evict(size_t looks);
  size_t blocks() const { return store_.end(); }
  // Looks at `entries` entries of the store and removes those that have expired.
  size_t ReclaimBelow(size_t entries);

  // `mark`: of the flight that carries what is sealed; 0 without a store.
  void Seal(bool full, uint32_t mark = 0);
  // Serialises a few dozen sealed entries; true when none is left. `*bytes` grows by what it wrote.
  bool WriteSome();
  // Ends the seal. Without records it leaves a part only if the seal was full.
  void TakeSealed(SealedState* out);

  // Looks at `blocks` blocks, continuing where the last call ended; returns how many it removed.
  size_t ReclaimExpired(size_t blocks);

 private:
  enum class SealMode { kNone, kDelta, kFull };

  uint32_t Slot(const StateKey& key) const {
    return index_.Find(key.hash, [&](uint32_t n) { return store_.Matches(store_.At(n), key); });
  }
  // The one place where a key is looked up.
  uint32_t Lookup(const StateKey& key) {
    const uint32_t number = Slot(key);
    return below_ == nullptr ? number : LookupBelow(key, number);
  }
  bool Expired(HotEntry* entry) const {
    return clock_ != nullptr && clock_->Expired(store_.Stamp(entry), descriptor_.ttl.ms);
  }
  void* Read(uint32_t number, HotEntry* entry);
  void* Write(uint32_t number, HotEntry* entry);
  static bool Visible(const HotEntry* entry) {
    return (entry->flags & (HotEntry::kLive | HotEntry::kGone)) == HotEntry::kLive;
  }
  uint32_t Create(const StateKey& key);
  uint32_t AddBlock(const StateKey& key);
  void AddToTree(const KeyRef& ref, uint32_t number);
  void TakeFromTree(uint32_t number);
  // Takes an entry out of index, tree and memory, without a trace.
  void Drop(uint32_t number, uint64_t hash);
  // Drop, with what the epochs must know of it.
  void Remove(uint32_t number, uint64_t hash);
  uint64_t HashOf(const HotEntry* entry) const;
  uint32_t FindTree(const KeyRef& key) const;
  void SetTree(const KeyRef& key, uint32_t from, uint32_t to);
  void Measure() const;

  // hot_table_seal.cc
  void Change(uint32_t number, HotEntry* entry) {
    if (entry->dirty_seq != seq_) ChangeClean(number, entry);
  }
  void ChangeClean(uint32_t number, HotEntry* entry);
  bool Pending(uint32_t number, const HotEntry* entry) const;
  void SerialisePut(HotEntry* entry);
  void NoteBirth(uint32_t number);
  void NoteErase(const HotEntry* entry);
  size_t SealedCount() const;

  // hot_table_store.cc
  uint32_t LookupBelow(const StateKey& key, uint32_t number);
  uint32_t CreateBelow(const StateKey& key);
  uint32_t AddGone(const StateKey& key);
  uint32_t AddCleanBlock(const StateKey& key);
  void MakeGone(uint32_t number);
  uint32_t AddClean(const StateKey& key, const StoreValue& value);
  void Decode(const StoreValue& from, void* value) const;
  void Fetch(std::span<const StateKey> missing);
  void FetchMissing(std::span<const StateKey> keys);
  void FetchKey(const KeyRef& key);
  void ScanBelow(const std::function<bool(uint16_t group, std::string_view key,
                                          std::string_view sub, const void* value)>& fn);
  bool Clean(const HotEntry* entry) const;
  size_t WholeKeysBytes() const;

  const StateDescriptor descriptor_;
  const TtlClock* const clock_;
  const bool owns_heap_;
  mutable EntryStore store_;
  HashIndex index_;
  HashIndex trees_;  // of keys with sub keys: to the root of the key's tree

  StateStore* below_ = nullptr;
  uint16_t id_ = 0;
  const Flights* flights_ = nullptr;
  bool in_store_ = false;  // the store may have entries of this table
  size_t count_ = 0;       // entries, here and below
  uint32_t hand_ = 0;
  StoreReads reads_;
  // Keys of which the store has nothing that is not here as well: scanned, and nothing evicted
  // since.
  absl::flat_hash_set<std::string> whole_keys_;
  std::vector<StateKey> missing_;
  struct Position {
    uint16_t group = 0;
    std::string key, sub;
  };
  Position reclaim_below_at_;

  // The entry last handed out for writing. What its value owns is only known afterwards.
  mutable uint32_t written_ = kNoEntry;
  uint32_t writes_unmeasured_ = 0;
  uint32_t reclaim_at_ = 0;

  uint32_t seq_ = 16;  // above all marks
  uint32_t mark_ = 0;  // of the seal in progress, or the last one
  NumberList dirty_;
  RecordParts erased_;  // since the last seal

  SealMode mode_ = SealMode::kNone;
  NumberList sealed_dirty_;  // delta: what to serialise; may hold stale numbers
  uint32_t sealed_end_ = 0;  // full: blocks to walk
  size_t cursor_ = 0;        // into either
  RecordParts sealed_;
  std::string scratch_;
};

}  // namespace weir
