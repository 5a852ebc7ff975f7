#include "state/hot/hot_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "state/hot/key_tree.h"

namespace weir {
namespace {

uint64_t TreeHash(const KeyRef& key) { return key.hash + key.group * 0x9E3779B97F4A7C15u; }

}  // namespace

HotTable::HotTable(StateDescriptor descriptor, const TtlClock* clock)
    : descriptor_(std::move(descriptor)),
      clock_(clock),
      owns_heap_(descriptor_.ops->heap_bytes != nullptr),
      store_(descriptor_.ops, clock != nullptr) {}

void* HotTable::Find(const StateKey& key) {
  const uint32_t number = Lookup(key);
  if (number == kNoEntry) return nullptr;
  HotEntry* entry = store_.At(number);
  return clock_ == nullptr ? store_.Value(entry) : Read(number, entry);
}

void* HotTable::FindForWrite(const StateKey& key) {
  const uint32_t number = Lookup(key);
  if (number == kNoEntry) return nullptr;
  HotEntry* entry = store_.At(number);
  return Expired(entry) ? nullptr : Write(number, entry);
}

void* HotTable::FindOrCreate(const StateKey& key, bool* created) {
  uint32_t number = Lookup(key);
  if (number != kNoEntry && Expired(store_.At(number))) [[unlikely]] {
    Remove(number, key.hash);
    number = kNoEntry;
  }
  *created = number == kNoEntry;
  if (*created) {
    number = Create(key);
    NoteBirth(number);
  }
  return Write(number, store_.At(number));
}

bool HotTable::Erase(const StateKey& key) {
  const uint32_t number = Lookup(key);
  if (number == kNoEntry) return false;
  const bool visible = !Expired(store_.At(number));
  Remove(number, key.hash);
  return visible;
}

// Access by TTL rules. An entry that has no stamp was restored from a state without TTL: its life
// begins with the first access, of whatever kind.
void* HotTable::Read(uint32_t number, HotEntry* entry) {
  if (Expired(entry)) return nullptr;
  const int64_t stamp = store_.Stamp(entry);
  if (descriptor_.ttl.update_on_read || stamp == kNoTimestamp) {
    const int64_t now = clock_->StampNow();
    if (stamp != now) {
      Change(number, entry);
      store_.Stamp(entry) = now;
    }
  }
  return store_.Value(entry);
}

void* HotTable::Write(uint32_t number, HotEntry* entry) {
  Change(number, entry);
  if (clock_ != nullptr) store_.Stamp(entry) = clock_->StampNow();
  if (owns_heap_) {
    // Measuring walks the value, so a large one is measured only once in a while; that it is
    // measured again when it is serialised bounds the error.
    constexpr uint32_t kCheapBytes = 4096;
    if (written_ != kNoEntry &&
        ++writes_unmeasured_ > store_.At(written_)->heap_bytes / kCheapBytes) {
      Measure();
      writes_unmeasured_ = 0;
    }
    written_ = number;
  }
  return store_.Value(entry);
}

void HotTable::Measure() const {
  if (written_ != kNoEntry) store_.Measure(store_.At(written_));
  written_ = kNoEntry;
}

uint32_t HotTable::FindTree(const KeyRef& key) const {
  return trees_.Find(TreeHash(key), [&](uint32_t n) {
    const HotEntry* root = store_.At(n);
    return root->group == key.group && store_.Key(root) == key.bytes;
  });
}

void HotTable::SetTree(const KeyRef& key, uint32_t from, uint32_t to) {
  if (from == to) return;
  if (from == kNoEntry) {
    trees_.Insert(TreeHash(key), to);
  } else if (to == kNoEntry) {
    trees_.Erase(TreeHash(key), from);
  } else {
    trees_.Replace(TreeHash(key), from, to);
  }
}

uint32_t HotTable::Create(const StateKey& key) {
  const KeyRef ref{key.group, HashBytes(key.key), key.key};
  WEIR_CHECK(key.hash == EntryHash(ref, key.sub), "a state key's hash is not that of its bytes");
  const uint32_t number = below_ == nullptr ? AddBlock(key) : CreateBelow(key);
  if (!key.sub.empty()) AddToTree(ref, number);
  return number;
}

uint32_t HotTable::AddBlock(const StateKey& key) {
  const uint32_t number = store_.Create(key);
  index_.Insert(key.hash, number);
  return number;
}

void HotTable::AddToTree(const KeyRef& ref, uint32_t number) {
  const uint32_t root = FindTree(ref);
  KeyTree tree(&store_, root);
  tree.Insert(number);
  SetTree(ref, root, tree.root());
}

void HotTable::TakeFromTree(uint32_t number) {
  const HotEntry* entry = store_.At(number);
  if (entry->sub_size == 0 || (entry->flags & HotEntry::kGone) != 0) return;
  const std::string_view key = store_.Key(entry);
  const KeyRef ref{entry->group, HashBytes(key), key};
  const uint32_t root = FindTree(ref);
  KeyTree tree(&store_, root);
  tree.Erase(number);
  SetTree(ref, root, tree.root());
}

uint64_t HotTable::HashOf(const HotEntry* entry) const {
  const std::string_view key = store_.Key(entry);
  return EntryHash(KeyRef{entry->group, HashBytes(key), key}, store_.Sub(entry));
}

void HotTable::Drop(uint32_t number, uint64_t hash) {
  TakeFromTree(number);
  index_.Erase(hash, number);
  if (written_ == number) written_ = kNoEntry;
  store_.Destroy(number);
}

void HotTable::Remove(uint32_t number, uint64_t hash) {
  HotEntry* entry = store_.At(number);
  if (Pending(number, entry)) SerialisePut(entry);
  NoteErase(entry);
  if (below_ == nullptr) {
    Drop(number, hash);
    return;
  }
  if (count_ > 0) --count_;
  if ((entry->flags & HotEntry::kFresh) != 0) {
    Drop(number, hash);
  } else {
    MakeGone(number);
  }
}

void HotTable::Prefetch(std::span<const StateKey> keys) {
  if (in_store_) FetchMissing(keys);
  constexpr size_t kInFlight = 32;  // about as many misses as a core keeps open
  constexpr size_t kCachedBytes =
      size_t{1024} * 1024;  // a table of this size stays in the L2 cache
  if (store_.memory_bytes() < kCachedBytes) return;
  for (size_t begin = 0; begin < keys.size(); begin += kInFlight) {
    const auto group = keys.subspan(begin, std::min(kInFlight, keys.size() - begin));
    for (const StateKey& key : group) index_.Prefetch(key.hash);
    for (const StateKey& key : group) {
      const uint32_t number = index_.Candidate(key.hash);
      if (number != kNoEntry) store_.Prefetch(number);
    }
  }
}

void HotTable::ScanKey(const KeyRef& key,
                       const std::function<bool(std::string_view, const void*)>& fn) {
  if (in_store_) FetchKey(key);
  const auto visit = [&](uint32_t number) {
    HotEntry* entry = store_.At(number);
    if (below_ != nullptr) entry->flags |= HotEntry::kUsed;
    const void* value = clock_ == nullptr ? store_.Value(entry) : Read(number, entry);
    return value == nullptr || fn(store_.Sub(entry), value);
  };
  const uint32_t whole = Slot(StateKey{key.group, key.hash, key.bytes, {}});
  if (whole != kNoEntry && Visible(store_.At(whole)) && !visit(whole)) return;
  KeyTree(&store_, FindTree(key)).Visit(visit);
}

void HotTable::ScanAll(
    const std::function<bool(uint16_t, std::string_view, std::string_view, const void*)>& fn) {
  for (uint32_t number = 0; number < store_.end(); ++number) {
    HotEntry* entry = store_.At(number);
    if (!Visible(entry) || Expired(entry)) continue;
    if (!fn(entry->group, store_.Key(entry), store_.Sub(entry), store_.Value(entry))) return;
  }
  if (in_store_) ScanBelow(fn);
}

size_t HotTable::memory_bytes() const {
  Measure();
  return sizeof(*this) + store_.memory_bytes() + index_.memory_bytes() + trees_.memory_bytes() +
         dirty_.memory_bytes() + sealed_dirty_.memory_bytes() + erased_.bytes() + sealed_.bytes() +
         WholeKeysBytes();
}

Status HotTable::Load(const StateRecord& record) {
  const KeyRef ref{record.group, HashBytes(record.key), record.key};
  const StateKey key{record.group, EntryHash(ref, record.sub), record.key, record.sub};
  const uint32_t old = Slot(key);
  if (old != kNoEntry) Drop(old, key.hash);
  if (record.op == StateRecord::Op::kErase) return absl::OkStatus();
  HotEntry* entry = store_.At(Create(key));
  if (!descriptor_.ops->decode(record.value, store_.Value(entry))) {
    return Err(ErrorCode::kStateCorrupt,
               ToStd(absl::StrCat("state '", descriptor_.name, "': ", record.value.size(),
                                  " bytes are not a value of type '", descriptor_.type_name,
                                  "' version ", descriptor_.version)));
  }
  if (clock_ != nullptr) store_.Stamp(entry) = record.last_access_ms;
  store_.Measure(entry);
  return absl::OkStatus();
}

size_t HotTable::ReclaimExpired(size_t blocks) {
  size_t removed = 0;
  for (size_t i = std::min<size_t>(blocks, store_.end()); i > 0; --i) {
    if (reclaim_at_ >= store_.end()) reclaim_at_ = 0;
    const uint32_t number = reclaim_at_++;
    HotEntry* entry = store_.At(number);
    if (!Visible(entry) || !Expired(entry)) continue;
    Remove(number, HashOf(entry));
    ++removed;
  }
  return removed;
}

}  // namespace weir
