// The backend over a store: when the store is used, and what of a seal goes there.
#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/status.h"
#include "state/hot/hot_backend.h"

namespace weir {
namespace {

// A segment of this size is cheap to hold, to sort and to write in one go.
constexpr size_t kPartBytes = size_t{8} * 1024 * 1024;

SealedTable HeaderOf(const StateDescriptor& d) {
  SealedTable header;
  header.name = d.name;
  header.version = d.version;
  header.type_name = d.type_name;
  header.broadcast = d.broadcast;
  return header;
}

SealedTable HeaderOf(const SealedTable& table) {
  SealedTable header;
  header.name = table.name;
  header.version = table.version;
  header.type_name = table.type_name;
  header.broadcast = table.broadcast;
  return header;
}

bool SameHeader(const SealedTable& a, const SealedTable& b) {
  return a.version == b.version && a.type_name == b.type_name && a.broadcast == b.broadcast;
}

// What is left of a seal: the write-back, then the segments. Those of a delta are what was written
// back; those of a full seal are read from the store as it is then, which is the store at the seal,
// because write-backs come in order.
class StoreRest : public SealedRest {
 public:
  struct Table {
    uint16_t id;
    SealedTable table;
  };
  StoreRest(std::shared_ptr<StateStore> store, int64_t epoch, bool full, std::vector<Table> tables)
      : store_(std::move(store)), epoch_(epoch), full_(full), tables_(std::move(tables)) {}
  void ScanInstead(std::map<uint16_t, SealedTable> headers) {
    scan_ = true;
    headers_ = std::move(headers);
  }

  StatusOr<bool> Next(SealedState* part) override {
    if (!written_) WEIR_RETURN_IF_ERROR(WriteBack());
    *part = SealedState();
    part->epoch = epoch_;
    part->full = full_;
    if (scan_) return NextOfScan(part);
    size_t bytes = 0;
    while (at_ < tables_.size() && bytes < kPartBytes) {
      bytes += tables_[at_].table.bytes.size();
      part->tables.push_back(std::move(tables_[at_++].table));
    }
    return !part->tables.empty();
  }

 private:
  Status WriteBack() {
    std::vector<StorePart> parts;
    for (const Table& t : tables_) {
      if (t.table.records > 0) parts.push_back({t.id, t.table.bytes});
    }
    if (!parts.empty()) WEIR_RETURN_IF_ERROR(store_->Write(parts));
    written_ = true;
    if (!scan_) return absl::OkStatus();
    tables_.clear();
    at_store_ = store_->NewIterator();
    at_store_->Seek({});
    return at_store_->status();
  }

  StatusOr<bool> NextOfScan(SealedState* part) {
    if (at_store_ == nullptr) return false;
    std::map<uint16_t, SealedTable> tables;
    for (size_t bytes = 0; bytes < kPartBytes && at_store_->Valid(); at_store_->Next()) {
      const StoreAddress at = at_store_->address();
      const StoreValue value = at_store_->value();
      const auto header = headers_.find(at.table);
      WEIR_CHECK(header != headers_.end(), "the store holds a table that was never declared");
      SealedTable& table = tables.try_emplace(at.table, header->second).first->second;
      AppendStateRecord(
          {StateRecord::Op::kPut, at.group, at.key, at.sub, value.last_access_ms, value.value},
          &table.bytes);
      ++table.records;
      bytes += at.key.size() + at.sub.size() + value.value.size() + 16;
      named_.insert(at.table);
    }
    WEIR_RETURN_IF_ERROR(at_store_->status());
    if (!at_store_->Valid()) FinishScan(&tables);
    for (auto& [id, table] : tables) part->tables.push_back(std::move(table));
    return !part->tables.empty();
  }

  // The last part: names the tables that are empty, and lets go of the store.
  void FinishScan(std::map<uint16_t, SealedTable>* tables) {
    at_store_ = nullptr;
    for (const auto& [id, header] : headers_) {
      if (named_.count(id) == 0) tables->try_emplace(id, header);
    }
  }

  std::shared_ptr<StateStore> store_;
  const int64_t epoch_;
  const bool full_;
  std::vector<Table> tables_;
  size_t at_ = 0;
  bool written_ = false;
  bool scan_ = false;
  std::map<uint16_t, SealedTable> headers_;
  std::set<uint16_t> named_;
  std::unique_ptr<StoreIterator> at_store_;
};

}  // namespace

// Early enough that what a full seal puts beside the state in memory fits into the bound as well.
bool HotStateBackend::ShouldActivate() const {
  return store_.store != nullptr && restored_.empty() && used_bytes() > store_.hot_bytes / 2;
}

void HotStateBackend::Activate() {
  active_ = true;
  stored_.clear();
  for (const auto& table : tables_) Attach(table.get(), false);
}

HotStateBackend::Stored* HotStateBackend::StoredOf(const SealedTable& header) {
  const auto [it, added] = stored_.try_emplace(header.name);
  Stored* stored = &it->second;
  if (added) {
    WEIR_CHECK(next_id_ < UINT16_MAX, "too many states in one operator");
    stored->id = next_id_++;
  }
  const auto same = [&](const SealedTable& h) { return SameHeader(h, header); };
  if (std::none_of(stored->headers.begin(), stored->headers.end(), same)) {
    stored->headers.push_back(HeaderOf(header));
  }
  return stored;
}

std::map<uint16_t, SealedTable> HotStateBackend::StoredHeaders() const {
  std::map<uint16_t, SealedTable> headers;
  for (const auto& [name, stored] : stored_) headers[stored.id] = stored.headers.front();
  return headers;
}

void HotStateBackend::Attach(HotTable* table, bool holds) {
  Stored* stored = StoredOf(HeaderOf(table->descriptor()));
  stored->opened = true;
  const int64_t count = holds ? std::max<int64_t>(stored->count, 0) : 0;
  table->AttachStore(store_.store.get(), stored->id, &flights_, holds, static_cast<size_t>(count));
}

// A small state goes to the tables when they are opened. A larger one goes to the store at once.
Status HotStateBackend::NoteRestored(const SealedTable& header, const StateRecord& record,
                                     size_t bytes) {
  StoredOf(header)->count += record.op == StateRecord::Op::kPut ? 1 : -1;
  restored_bytes_ += bytes;
  if (restored_bytes_ <= std::min(store_.hot_bytes / 4, kPartBytes)) return absl::OkStatus();
  active_ = filled_ = true;
  return FlushRestored();
}

Status HotStateBackend::FlushRestored() {
  std::vector<StorePart> parts;
  for (const auto& [name, runs] : restored_) {
    for (const Run& run : runs) parts.push_back({stored_.at(name).id, run->bytes});
  }
  if (!parts.empty()) WEIR_RETURN_IF_ERROR(store_.store->Write(parts));
  restored_.clear();
  restored_bytes_ = 0;
  return absl::OkStatus();
}

uint32_t HotStateBackend::BeginFlight() {
  const auto mark = static_cast<uint32_t>(1 + flights_begun_++ % (Flights::kMarks - 1));
  ++flights_.in_the_air[mark];
  in_the_air_.push_back({mark, {}});
  return mark;
}

// What has been serialised leaves the task's thread.
void HotStateBackend::HandOver(SealedState* state) {
  Flight* flight = &in_the_air_.back();
  std::vector<StoreRest::Table> tables;
  for (SealedTable& table : state->tables) {
    const uint16_t id = stored_.at(table.name).id;
    flight->entries += table.records;
    flight->bytes += static_cast<int64_t>(table.bytes.size());
    tables.push_back({id, std::move(table)});
    for (const auto& open : tables_) {
      if (open->id() == id) flight->tables.push_back(open.get());
    }
  }
  state->tables.clear();
  // An empty one must not pass those before it: what it says of an entry may rest on theirs.
  if (tables.empty() && !state->full && in_the_air_.size() == 1) {
    StoreDone();
    return;
  }
  auto rest =
      std::make_shared<StoreRest>(store_.store, state->epoch, state->full, std::move(tables));
  if (scan_) rest->ScanInstead(std::move(headers_));
  state->rest = std::move(rest);
}

void HotStateBackend::StoreDone() {
  WEIR_CHECK(!in_the_air_.empty(), "the store confirms what was never sealed");
  const Flight flight = std::move(in_the_air_.front());
  in_the_air_.pop_front();
  --flights_.in_the_air[flight.mark];
  filled_ = true;
  counts_.written_entries += flight.entries;
  counts_.written_bytes += flight.bytes;
  for (HotTable* table : flight.tables) table->LandedBelow();
}

size_t HotStateBackend::used_bytes() const {
  size_t bytes = 0;
  for (const auto& table : tables_) bytes += table->used_bytes();
  return bytes;
}

size_t HotStateBackend::dirty_bytes() const {
  size_t bytes = 0;
  for (const auto& table : tables_) bytes += table->dirty_bytes();
  return bytes;
}

void HotStateBackend::Settle() {
  if (!filled_ || used_bytes() <= store_.hot_bytes) return;
  constexpr size_t kShare = 256;           // of a table's blocks in one round
  constexpr int kRounds = 2 * kShare + 2;  // the clock hand comes by twice
  const size_t target = store_.hot_bytes - store_.hot_bytes / 16;
  for (int round = 0; round < kRounds && used_bytes() > target; ++round) {
    for (const auto& table : tables_) {
      counts_.evicted += static_cast<int64_t>(table->Evict(table->blocks() / kShare + 16));
    }
  }
}

// What was prefetched is a miss then and no hit when it is looked up. What is never looked up would
// make hits go back: hence no less than before.
StateCounts HotStateBackend::Counts() const {
  StateCounts counts = counts_;
  int64_t lookups = 0;
  for (const auto& table : tables_) {
    const StoreReads& reads = table->reads();
    lookups += reads.lookups;
    counts.misses += reads.misses;
    counts.absent += reads.absent;
    counts.read_bytes += reads.bytes;
  }
  counts.hits = hits_ = std::max(hits_, lookups - counts.misses);
  if (store_.store != nullptr) {
    counts.hot_bytes = static_cast<int64_t>(used_bytes());
    counts.hot_limit_bytes = static_cast<int64_t>(store_.hot_bytes);
  }
  return counts;
}

StateBackend::Spill HotStateBackend::WantsSpill() const {
  if (store_.store == nullptr || sealing_ || in_the_air_.size() >= 2) return Spill::kNone;
  if (!active_) return ShouldActivate() ? Spill::kFull : Spill::kNone;
  const bool short_of_memory = used_bytes() > store_.hot_bytes / 4 * 3;
  return short_of_memory && dirty_bytes() > store_.hot_bytes / 8 ? Spill::kDelta : Spill::kNone;
}

bool HotStateBackend::Accepting() const {
  if (store_.store == nullptr || (!sealing_ && in_the_air_.empty())) return true;
  return used_bytes() <= store_.hot_bytes / 4 * 5;
}

size_t HotStateBackend::ReclaimBelow() {
  // About 200 microseconds, once in so many calls that the sweep is still faster than what comes.
  constexpr uint32_t kEvery = 16;
  constexpr size_t kEntries = 512;
  if (!active_ || ++reclaims_ % kEvery != 0) return 0;
  for (size_t i = 0; i < tables_.size(); ++i) {
    HotTable* table = tables_[reclaim_below_table_++ % tables_.size()].get();
    if (table->has_ttl()) return table->ReclaimBelow(kEntries);
  }
  return 0;
}

}  // namespace weir
