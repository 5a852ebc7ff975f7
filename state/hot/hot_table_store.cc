// A table over a store: what comes in, what goes out, and what is known to be absent.
// hot_table.h says how the two are kept in step.
#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/core/state.h"
#include "state/hot/hot_table.h"

namespace weir {
namespace {

void ThrowUnlessOk(const Status& status) {
  if (!status.ok()) throw StateReadError(status);
}

StateKey KeyOf(const StoreAddress& at) {
  return MakeStateKey({at.group, HashBytes(at.key), at.key}, at.sub);
}

std::string WholeKey(uint16_t group, std::string_view key) {
  std::string out;
  PutBigEndian16(&out, group);
  out.append(key);
  return out;
}

// One decoded value that belongs to no entry.
class ScratchValue {
 public:
  explicit ScratchValue(const ValueOps* ops)
      : ops_(ops), at_(::operator new(ops->size, std::align_val_t(ops->align))) {
    ops_->construct(at_);
  }
  ~ScratchValue() {
    ops_->destroy(at_);
    ::operator delete(at_, std::align_val_t(ops_->align));
  }
  ScratchValue(const ScratchValue&) = delete;
  ScratchValue& operator=(const ScratchValue&) = delete;
  void* get() { return at_; }

 private:
  const ValueOps* ops_;
  void* at_;
};

}  // namespace

void HotTable::AttachStore(StateStore* below, uint16_t id, const Flights* flights, bool holds,
                           size_t count) {
  below_ = below;
  id_ = id;
  flights_ = flights;
  in_store_ = holds;
  count_ = store_.size() + count;
}

uint32_t HotTable::LookupBelow(const StateKey& key, uint32_t number) {
  if (number == kNoEntry) {
    if (!in_store_) return kNoEntry;  // neither hit nor miss: nobody has it
    Fetch({&key, 1});
    number = Slot(key);
  }
  ++reads_.lookups;
  HotEntry* entry = store_.At(number);
  entry->flags |= HotEntry::kUsed;
  return (entry->flags & HotEntry::kGone) != 0 ? kNoEntry : number;
}

// The key has been looked up: if the store had it, it would be here.
uint32_t HotTable::CreateBelow(const StateKey& key) {
  ++count_;
  const uint32_t gone = Slot(key);
  if (gone == kNoEntry) {
    const uint32_t number = AddBlock(key);
    store_.At(number)->flags |= HotEntry::kFresh | HotEntry::kUsed;
    return number;
  }
  HotEntry* entry = store_.At(gone);
  // Neither the store nor a checkpoint has it, unless its erasure is still on its way.
  if (Clean(entry)) entry->flags |= HotEntry::kFresh;
  entry->flags &= static_cast<uint8_t>(~HotEntry::kGone);
  return gone;
}

// An entry that says: the store has been asked, there is none.
uint32_t HotTable::AddGone(const StateKey& key) {
  const uint32_t number = AddCleanBlock(key);
  store_.At(number)->flags |= HotEntry::kGone;
  return number;
}

// A block that was freed in this epoch is in dirty_ and stays dirty: it costs a record too many.
uint32_t HotTable::AddCleanBlock(const StateKey& key) {
  const uint32_t number = AddBlock(key);
  HotEntry* entry = store_.At(number);
  if (entry->dirty_seq != seq_) entry->dirty_seq = 0;
  return number;
}

// Until the store has erased it too: the erase record is in this epoch's delta.
void HotTable::MakeGone(uint32_t number) {
  TakeFromTree(number);
  if (written_ == number) written_ = kNoEntry;
  HotEntry* entry = store_.At(number);
  store_.Renew(entry);
  entry->flags &= static_cast<uint8_t>(~HotEntry::kBorn);
  entry->flags |= HotEntry::kGone;
  if (entry->dirty_seq == seq_) return;
  entry->dirty_seq = seq_;
  dirty_.push_back(number);
}

void HotTable::Decode(const StoreValue& from, void* value) const {
  if (descriptor_.ops->decode(from.value, value)) return;
  throw StateReadError(
      Err(ErrorCode::kStateCorrupt,
          ToStd(absl::StrCat("state '", descriptor_.name, "': ", from.value.size(),
                             " bytes are not a value of type '", descriptor_.type_name,
                             "' version ", descriptor_.version))));
}

uint32_t HotTable::AddClean(const StateKey& key, const StoreValue& value) {
  const uint32_t number = AddCleanBlock(key);
  HotEntry* entry = store_.At(number);
  entry->flags |= HotEntry::kUsed;
  Decode(value, store_.Value(entry));
  if (clock_ != nullptr) store_.Stamp(entry) = value.last_access_ms;
  store_.Measure(entry);
  if (!key.sub.empty()) AddToTree({key.group, HashBytes(key.key), key.key}, number);
  return number;
}

void HotTable::Fetch(std::span<const StateKey> missing) {
  std::vector<StoreAddress> addresses;
  addresses.reserve(missing.size());
  for (const StateKey& key : missing) addresses.push_back({key.group, id_, key.key, key.sub});
  size_t found = 0;
  ThrowUnlessOk(below_->MultiGet(addresses, [&](size_t i, const StoreValue& value) {
    ++found;
    reads_.bytes += static_cast<int64_t>(value.value.size());
    if (Slot(missing[i]) == kNoEntry) AddClean(missing[i], value);  // a key may be asked for twice
    return absl::OkStatus();
  }));
  reads_.misses += static_cast<int64_t>(missing.size());
  reads_.absent += static_cast<int64_t>(missing.size() - found);
  for (const StateKey& key : missing) {
    if (Slot(key) == kNoEntry) AddGone(key);
  }
}

void HotTable::FetchMissing(std::span<const StateKey> keys) {
  constexpr size_t kAtOnce = 512;  // found values are held by the store meanwhile
  missing_.clear();
  for (const StateKey& key : keys) {
    if (Slot(key) != kNoEntry) continue;
    missing_.push_back(key);
    if (missing_.size() < kAtOnce) continue;
    Fetch(missing_);
    missing_.clear();
  }
  if (!missing_.empty()) Fetch(missing_);
}

void HotTable::FetchKey(const KeyRef& key) {
  constexpr size_t kMaxKeys = 65'536;
  std::string whole = WholeKey(key.group, key.bytes);
  ++reads_.lookups;
  if (whole_keys_.contains(whole)) return;
  ++reads_.misses;
  const std::unique_ptr<StoreIterator> at = below_->NewIterator();
  for (at->SeekKey({key.group, id_, key.bytes, {}}); at->Valid(); at->Next()) {
    const StoreAddress found = at->address();
    if (found.group != key.group || found.table != id_ || found.key != key.bytes) break;
    const StateKey entry = MakeStateKey(key, found.sub);
    if (Slot(entry) != kNoEntry) continue;
    const StoreValue value = at->value();
    reads_.bytes += static_cast<int64_t>(value.value.size());
    AddClean(entry, value);
  }
  ThrowUnlessOk(at->status());
  if (whole_keys_.size() >= kMaxKeys) whole_keys_.clear();
  whole_keys_.insert(std::move(whole));
}

void HotTable::ScanBelow(
    const std::function<bool(uint16_t, std::string_view, std::string_view, const void*)>& fn) {
  const std::unique_ptr<StoreIterator> at = below_->NewIterator();
  at->Seek({0, id_, {}, {}});
  while (at->Valid()) {
    const StoreAddress found = at->address();
    if (found.table != id_) {
      if (found.table > id_ && found.group == UINT16_MAX) break;
      const auto group = static_cast<uint16_t>(found.group + (found.table > id_ ? 1 : 0));
      at->Seek({group, id_, {}, {}});
      continue;
    }
    if (Slot(KeyOf(found)) == kNoEntry) {
      const StoreValue stored = at->value();
      ScratchValue value(descriptor_.ops);
      Decode(stored, value.get());
      const bool expired =
          clock_ != nullptr && clock_->Expired(stored.last_access_ms, descriptor_.ttl.ms);
      if (!expired && !fn(found.group, found.key, found.sub, value.get())) return;
    }
    at->Next();
  }
  ThrowUnlessOk(at->status());
}

size_t HotTable::ReclaimBelow(size_t entries) {
  if (!in_store_ || clock_ == nullptr) return 0;
  size_t removed = 0;
  const std::unique_ptr<StoreIterator> at = below_->NewIterator();
  Position& from = reclaim_below_at_;
  at->Seek({from.group, id_, from.key, from.sub});
  while (entries > 0 && at->Valid()) {
    const StoreAddress found = at->address();
    if (found.table != id_) {
      if (found.table > id_ && found.group == UINT16_MAX) break;
      const auto group = static_cast<uint16_t>(found.group + (found.table > id_ ? 1 : 0));
      at->Seek({group, id_, {}, {}});
      continue;
    }
    --entries;
    const StoreValue stored = at->value();
    const StateKey key = KeyOf(found);
    // What is here as well is the other sweep's business.
    if (clock_->Expired(stored.last_access_ms, descriptor_.ttl.ms) && Slot(key) == kNoEntry) {
      Remove(AddClean(key, stored), key.hash);
      ++removed;
    }
    at->Next();
  }
  ThrowUnlessOk(at->status());
  from = Position{};
  if (entries == 0 && at->Valid()) {
    const StoreAddress next = at->address();
    from = {next.group, std::string(next.key), std::string(next.sub)};
  }
  return removed;
}

// The store has what it says. Dirty and pending entries carry a sequence, which is above all marks.
bool HotTable::Clean(const HotEntry* entry) const {
  return entry->dirty_seq < Flights::kMarks && flights_->in_the_air[entry->dirty_seq] == 0;
}

size_t HotTable::Evict(size_t looks) {
  size_t evicted = 0;
  for (looks = std::min<size_t>(looks, store_.end()); looks > 0; --looks) {
    if (hand_ >= store_.end()) hand_ = 0;
    const uint32_t number = hand_++;
    HotEntry* entry = store_.At(number);
    if ((entry->flags & HotEntry::kLive) == 0 || !Clean(entry)) continue;
    if ((entry->flags & HotEntry::kUsed) != 0) {
      entry->flags &= static_cast<uint8_t>(~HotEntry::kUsed);
      continue;
    }
    if (!whole_keys_.empty() && (entry->flags & HotEntry::kGone) == 0) {
      whole_keys_.erase(WholeKey(entry->group, store_.Key(entry)));
    }
    Drop(number, HashOf(entry));
    ++evicted;
  }
  return evicted;
}

size_t HotTable::used_bytes() const {
  return store_.used_bytes() + index_.memory_bytes() + trees_.memory_bytes() + erased_.bytes() +
         sealed_.bytes() + WholeKeysBytes();
}

size_t HotTable::dirty_bytes() const {
  if (store_.size() == 0) return erased_.bytes();
  return erased_.bytes() + store_.used_bytes() / store_.size() * dirty_.size();
}

size_t HotTable::WholeKeysBytes() const {
  constexpr size_t kEach = sizeof(std::string) + 32;
  return whole_keys_.capacity() * kEach;
}

}  // namespace weir
