#include "state/hot/hot_backend.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

Status CheckFits(const SealedTable& restored, const StateDescriptor& wanted) {
  const std::string restored_text = absl::StrCat(
      "state '", wanted.name, "' was written as ", restored.broadcast ? "broadcast " : "", "'",
      restored.type_name, "' version ", restored.version);
  const std::string wanted_text =
      absl::StrCat(", the operator declares ", wanted.broadcast ? "broadcast " : "", "'",
                   wanted.type_name, "' version ", wanted.version);
  if (restored.type_name != wanted.type_name || restored.broadcast != wanted.broadcast) {
    return Err(ErrorCode::kStateIncompatible, restored_text + wanted_text,
               "give the new state another name, or restore with the program that wrote it");
  }
  if (restored.version != wanted.version) {
    return Err(ErrorCode::kStateVersion, restored_text + wanted_text,
               "restore with the program version that wrote it");
  }
  return absl::OkStatus();
}

}  // namespace

const TtlClock* HotStateBackend::ClockFor(const StateTtl& ttl) const {
  switch (ttl.domain) {
    case StateTtl::Domain::kNone:
      return nullptr;
    case StateTtl::Domain::kEventTime:
      return &event_time_;
    case StateTtl::Domain::kProcessingTime:
      return &processing_time_;
  }
  return nullptr;
}

StatusOr<StateTable*> HotStateBackend::OpenTable(const StateDescriptor& descriptor) {
  WEIR_CHECK(descriptor.ops != nullptr, "a state is opened without ValueOps");
  for (const auto& open : tables_) {
    if (open->descriptor().name == descriptor.name) {
      return Err(ErrorCode::kStateIncompatible,
                 absl::StrCat("state '", descriptor.name, "' is opened twice by one operator"),
                 "give each state of an operator its own name");
    }
  }
  auto table = std::make_unique<HotTable>(descriptor, ClockFor(descriptor.ttl));
  WEIR_RETURN_IF_ERROR(OpenRestored(table.get()));
  tables_.push_back(std::move(table));
  return tables_.back().get();
}

Status HotStateBackend::OpenRestored(HotTable* table) {
  if (active_) WEIR_RETURN_IF_ERROR(FlushRestored());
  const std::string& name = table->descriptor().name;
  const auto restored = restored_.find(name);
  if (restored != restored_.end()) {
    WEIR_RETURN_IF_ERROR(LoadRestored(restored->second, table));
    restored_.erase(restored);
  }
  if (!active_) return absl::OkStatus();
  const auto stored = stored_.find(name);
  if (stored != stored_.end()) {
    for (const SealedTable& header : stored->second.headers) {
      WEIR_RETURN_IF_ERROR(CheckFits(header, table->descriptor()));
    }
  }
  Attach(table, stored != stored_.end());
  return absl::OkStatus();
}

Status HotStateBackend::LoadRestored(const std::vector<Run>& runs, HotTable* table) const {
  for (const Run& run : runs) WEIR_RETURN_IF_ERROR(CheckFits(*run, table->descriptor()));
  for (const Run& run : runs) {
    WEIR_RETURN_IF_ERROR(ForEachStateRecord(
        run->bytes, [&](const StateRecord& record) { return table->Load(record); }));
  }
  return absl::OkStatus();
}

void HotStateBackend::SetTime(int64_t processing_ms, int64_t watermark_ms) {
  processing_time_.Set(processing_ms);
  event_time_.Set(watermark_ms);
}

void HotStateBackend::Seal(int64_t n, bool full) {
  WEIR_CHECK(!sealing_, "an epoch is sealed while another is being written");
  sealing_ = true;
  epoch_ = n;
  full_ = full;
  slice_table_ = 0;
  scan_ = full && active_;
  if (full && !active_ && ShouldActivate()) Activate();
  const uint32_t mark = active_ ? BeginFlight() : 0;
  for (const auto& table : tables_) table->Seal(full && !scan_, mark);
  if (scan_) headers_ = StoredHeaders();
  // A full checkpoint must hold what nobody has opened yet; a delta's base holds it.
  if (!full || active_) return;
  for (const auto& [name, runs] : restored_)
    carried_.insert(carried_.end(), runs.begin(), runs.end());
}

bool HotStateBackend::WriteSlice(int64_t budget_ns) {
  WEIR_CHECK(sealing_, "no epoch is sealed");
  // Besides the clock a count limits a slice: in simulation the clock stands still within a turn.
  constexpr int64_t kStepNsMin = 1500;  // 32 entries at about 50 ns
  int64_t steps = std::max<int64_t>(1, budget_ns / kStepNsMin);
  const int64_t deadline = clock_->MonoNs() + budget_ns;
  while (slice_table_ < tables_.size()) {
    if (tables_[slice_table_]->WriteSome()) {
      ++slice_table_;
    } else if (--steps <= 0 || clock_->MonoNs() >= deadline) {
      return false;
    }
  }
  return true;
}

SealedState HotStateBackend::TakeSealed() {
  WEIR_CHECK(sealing_, "no epoch is sealed");
  SealedState state;
  state.epoch = epoch_;
  state.full = full_;
  for (const auto& table : tables_) table->TakeSealed(&state);
  for (const Run& run : carried_) state.tables.push_back(*run);
  carried_.clear();
  sealing_ = false;
  if (active_ && !in_the_air_.empty()) HandOver(&state);
  return state;
}

Status HotStateBackend::Restore(const SealedTable& header, const StateRecord& record) {
  for (const auto& open : tables_) {
    WEIR_CHECK(open->descriptor().name != header.name, "state is restored after it was opened");
  }
  std::vector<Run>& runs = restored_[header.name];
  const auto fits = [&](const SealedTable& run) {
    return run.version == header.version && run.type_name == header.type_name &&
           run.broadcast == header.broadcast;
  };
  if (runs.empty() || !fits(*runs.back())) {
    SealedTable run = header;
    run.bytes.clear();
    run.records = 0;
    runs.push_back(std::make_shared<SealedTable>(std::move(run)));
  }
  const size_t before = runs.back()->bytes.size();
  AppendStateRecord(record, &runs.back()->bytes);
  ++runs.back()->records;
  if (store_.store == nullptr) return absl::OkStatus();
  return NoteRestored(header, record, runs.back()->bytes.size() - before);
}

std::vector<std::string> HotStateBackend::UnopenedTables() const {
  std::vector<std::string> names;
  for (const auto& [name, runs] : restored_) names.push_back(name);
  for (const auto& [name, stored] : stored_) {
    if (active_ && !stored.opened && restored_.count(name) == 0) names.push_back(name);
  }
  return names;
}

size_t HotStateBackend::ReclaimExpired() {
  constexpr size_t kBlocks = 128;  // one or two microseconds of every batch
  for (size_t i = 0; i < tables_.size(); ++i) {
    HotTable* table = tables_[reclaim_table_++ % tables_.size()].get();
    if (table->has_ttl()) return table->ReclaimExpired(kBlocks) + ReclaimBelow();
  }
  return 0;
}

size_t HotStateBackend::memory_bytes() const {
  size_t bytes = 0;
  for (const auto& table : tables_) bytes += table->memory_bytes();
  for (const auto& [name, runs] : restored_) {
    for (const Run& run : runs) bytes += run->bytes.size();
  }
  if (store_.store != nullptr) bytes += store_.store->memory_bytes();
  return bytes;
}

}  // namespace weir
