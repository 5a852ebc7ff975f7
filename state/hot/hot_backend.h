// Hot tables (DESIGN D5): over no store they are the "memory" backend, over RocksDB "rocksdb".
//
// With a store memory is bounded by `hot_bytes`, and the store is not touched before it is needed:
// up to a part of that bound all state is in memory and the backend works as the memory backend
// does. Then it spills: a full seal takes all there is into the store, and from there on each seal
// writes back what it serialises. What is clean may be evicted.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/core/state_backend.h"
#include "engine/core/state_counts.h"
#include "engine/core/state_store.h"
#include "state/hot/hot_table.h"
#include "state/hot/ttl_clock.h"

namespace weir {

struct HotStoreOptions {
  std::shared_ptr<StateStore> store;  // empty
  size_t hot_bytes = 0;
  bool from_start = false;  // tests: do not wait until memory is short
};

class HotStateBackend : public StateBackend, public CountingState {
 public:
  // `clock` measures slices; it outlives the backend.
  explicit HotStateBackend(const Clock* clock) : HotStateBackend(clock, {}) {}
  HotStateBackend(const Clock* clock, HotStoreOptions options)
      : clock_(clock), store_(std::move(options)), active_(store_.from_start), filled_(active_) {}

  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override;
  void SetTime(int64_t processing_ms, int64_t watermark_ms) override;
  void Seal(int64_t n, bool full) override;
  bool WriteSlice(int64_t budget_ns) override;
  SealedState TakeSealed() override;
  Status Restore(const SealedTable& header, const StateRecord& record) override;
  std::vector<std::string> UnopenedTables() const override;
  size_t ReclaimExpired() override;
  size_t memory_bytes() const override;
  void StoreDone() override;
  void Settle() override;
  Spill WantsSpill() const override;
  bool Accepting() const override;
  StateCounts Counts() const override;

 private:
  // Restored records of one table, encoded, in the order they came; a new run where version or type
  // changes. Shared, because a full seal keeps those of tables that nobody has opened yet.
  using Run = std::shared_ptr<SealedTable>;

  // What the store holds of one table: how it was written, and about how many entries.
  struct Stored {
    uint16_t id = 0;
    std::vector<SealedTable> headers;  // more than one: a restore has mixed versions
    int64_t count = 0;
    bool opened = false;
  };
  struct Flight {
    uint32_t mark;
    std::vector<HotTable*> tables;
    int64_t entries = 0, bytes = 0;
  };

  // hot_backend_store.cc
  bool ShouldActivate() const;
  void Activate();
  Stored* StoredOf(const SealedTable& header);
  std::map<uint16_t, SealedTable> StoredHeaders() const;
  // `holds`: the store has entries of it, from a restore.
  void Attach(HotTable* table, bool holds);
  Status NoteRestored(const SealedTable& header, const StateRecord& record, size_t bytes);
  Status FlushRestored();
  uint32_t BeginFlight();
  void HandOver(SealedState* state);
  size_t used_bytes() const;
  size_t dirty_bytes() const;
  size_t ReclaimBelow();

  Status OpenRestored(HotTable* table);
  const TtlClock* ClockFor(const StateTtl& ttl) const;
  Status LoadRestored(const std::vector<Run>& runs, HotTable* table) const;

  const Clock* const clock_;
  TtlClock processing_time_;
  TtlClock event_time_;
  std::vector<std::unique_ptr<HotTable>> tables_;  // in the order of opening
  std::map<std::string, std::vector<Run>> restored_;
  size_t reclaim_table_ = 0;

  bool sealing_ = false;
  int64_t epoch_ = 0;
  bool full_ = false;
  size_t slice_table_ = 0;
  std::vector<Run> carried_;

  const HotStoreOptions store_;
  bool active_;  // the store is in use: what is erased leaves a trace
  bool filled_;  // it holds what is clean here: that may be evicted
  std::map<std::string, Stored> stored_;
  size_t restored_bytes_ = 0;  // in restored_, on their way to the store
  bool scan_ = false;          // the seal in progress is full and comes from the store
  std::map<uint16_t, SealedTable> headers_;  // then: of what it holds
  Flights flights_;
  std::deque<Flight> in_the_air_;  // sealed or being sealed, and not yet in the store; oldest first
  uint64_t flights_begun_ = 0;
  StateCounts counts_;  // what the tables do not count
  mutable int64_t hits_ = 0;
  uint16_t next_id_ = 1;
  uint32_t reclaims_ = 0;
  size_t reclaim_below_table_ = 0;
};

}  // namespace weir
