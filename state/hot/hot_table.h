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
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/state_backend.h"
#include "state/hot/entry_store.h"
#include "state/hot/hash_index.h"
#include "state/hot/number_list.h"
#include "state/hot/record_parts.h"
#include "state/hot/ttl_clock.h"

namespace weir {

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
  size_t size() const override { return store_.size(); }
  size_t memory_bytes() const override;

  const StateDescriptor& descriptor() const { return descriptor_; }
  bool has_ttl() const { return clock_ != nullptr; }

  // Applies a restored record; what it makes is clean.
  Status Load(const StateRecord& record);

  void Seal(bool full);
  // Serialises a few dozen sealed entries; true when none is left. `*bytes` grows by what it wrote.
  bool WriteSome();
  // Ends the seal. Without records it leaves a part only if the seal was full.
  void TakeSealed(SealedState* out);

  // Looks at `blocks` blocks, continuing where the last call ended; returns how many it removed.
  size_t ReclaimExpired(size_t blocks);

 private:
  enum class SealMode { kNone, kDelta, kFull };

  // The one place where a key is looked up: a store below would be asked for what is missing here
  // (and in Prefetch, in one go), and its value would come in as a clean entry.
  uint32_t Lookup(const StateKey& key) const {
    return index_.Find(key.hash, [&](uint32_t n) { return store_.Matches(store_.At(n), key); });
  }
  bool Expired(HotEntry* entry) const {
    return clock_ != nullptr && clock_->Expired(store_.Stamp(entry), descriptor_.ttl.ms);
  }
  void* Read(uint32_t number, HotEntry* entry);
  void* Write(uint32_t number, HotEntry* entry);
  uint32_t Create(const StateKey& key);
  // Takes an entry out of index, tree and store, without a trace.
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

  const StateDescriptor descriptor_;
  const TtlClock* const clock_;
  const bool owns_heap_;
  mutable EntryStore store_;
  HashIndex index_;
  HashIndex trees_;  // of keys with sub keys: to the root of the key's tree

  // The entry last handed out for writing. What its value owns is only known afterwards.
  mutable uint32_t written_ = kNoEntry;
  uint32_t writes_unmeasured_ = 0;
  uint32_t reclaim_at_ = 0;

  uint32_t seq_ = 1;
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
