// The "memory" backend: hot tables over no store (DESIGN D5).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/core/state_backend.h"
#include "state/hot/hot_table.h"
#include "state/hot/ttl_clock.h"

namespace weir {

class HotStateBackend : public StateBackend {
 public:
  // `clock` measures slices; it outlives the backend.
  explicit HotStateBackend(const Clock* clock) : clock_(clock) {}

  StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) override;
  void SetTime(int64_t processing_ms, int64_t watermark_ms) override;
  void Seal(int64_t n, bool full) override;
  bool WriteSlice(int64_t budget_ns) override;
  SealedState TakeSealed() override;
  Status Restore(const SealedTable& header, const StateRecord& record) override;
  std::vector<std::string> UnopenedTables() const override;
  size_t ReclaimExpired() override;
  size_t memory_bytes() const override;

 private:
  // Restored records of one table, encoded, in the order they came; a new run where version or type
  // changes. Shared, because a full seal keeps those of tables that nobody has opened yet.
  using Run = std::shared_ptr<SealedTable>;

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
};

}  // namespace weir
