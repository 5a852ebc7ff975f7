#include "state/hot/entry_store.h"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kInlineKeyMin = 16;  // an int64 key with an int64 sub key; most IPv4 addresses
constexpr size_t kInlineKeyMax = 64;
constexpr size_t kMallocOverhead = 16;

size_t RoundUp(size_t n, size_t to) { return (n + to - 1) / to * to; }

size_t HeapKeyBytes(const HotEntry& entry) {
  return (entry.flags & HotEntry::kHeapKey) != 0
             ? size_t{entry.key_size} + entry.sub_size + kMallocOverhead
             : 0;
}

}  // namespace

EntryStore::~EntryStore() {
  for (uint32_t n = 0; n < end_; ++n) {
    if ((At(n)->flags & HotEntry::kLive) != 0) Destroy(n);
  }
}

void EntryStore::Layout(size_t key_bytes) {
  WEIR_CHECK(ops_->align <= kLine, "a state value is aligned to more than 64 bytes");
  const size_t align = std::max<size_t>(ops_->align, 8);
  const auto place = [&] {
    stamp_at_ = sizeof(HotEntry) + inline_bytes_;
    value_at_ = RoundUp(stamp_at_ + (stamped_ ? 8 : 0), align);
    stride_ = RoundUp(value_at_ + ops_->size, align);
  };
  inline_bytes_ = std::clamp(RoundUp(key_bytes + key_bytes / 4, 8), kInlineKeyMin, kInlineKeyMax);
  place();
  if (stride_ > kLine) return;
  // One line per entry: a hit costs one cache miss, and the space that is left serves longer keys.
  inline_bytes_ += (kLine - stride_) / 8 * 8;
  place();
  stride_ = kLine;
}

uint32_t EntryStore::TakeBlock() {
  if (free_ != kNoEntry) {
    const uint32_t number = free_;
    free_ = At(number)->left;
    return number;
  }
  WEIR_CHECK(end_ < kNoEntry - 1, "a state table has more than 4 billion entries");
  const Place place(end_);
  if (place.index == 0) slabs_[place.slab] = Pages(place.items() * stride_, false);
  At(end_)->dirty_seq = 0;
  return end_++;
}

void EntryStore::CopyKey(HotEntry* entry, const StateKey& key) {
  const size_t bytes = key.key.size() + key.sub.size();
  WEIR_CHECK(bytes <= UINT32_MAX, "a state key is larger than 4 GiB");
  entry->key_size = static_cast<uint32_t>(key.key.size());
  entry->sub_size = static_cast<uint32_t>(key.sub.size());
  char* to = reinterpret_cast<char*>(entry) + sizeof(HotEntry);
  if (bytes > inline_bytes_) {
    entry->flags |= HotEntry::kHeapKey;
    char* heap = new char[bytes];
    *reinterpret_cast<char**>(to) = heap;
    to = heap;
    heap_bytes_ += HeapKeyBytes(*entry);
  }
  if (!key.key.empty()) std::memcpy(to, key.key.data(), key.key.size());
  if (!key.sub.empty()) std::memcpy(to + key.key.size(), key.sub.data(), key.sub.size());
}

uint32_t EntryStore::Create(const StateKey& key) {
  if (stride_ == 0) Layout(key.key.size() + key.sub.size());
  const uint32_t number = TakeBlock();
  HotEntry* entry = At(number);
  entry->heap_bytes = 0;
  entry->left = entry->right = kNoEntry;
  entry->group = key.group;
  entry->flags = HotEntry::kLive;
  CopyKey(entry, key);
  ops_->construct(Value(entry));
  if (stamped_) Stamp(entry) = kNoTimestamp;
  ++size_;
  return number;
}

void EntryStore::Destroy(uint32_t number) {
  HotEntry* entry = At(number);
  WEIR_CHECK((entry->flags & HotEntry::kLive) != 0, "an entry is destroyed twice");
  ops_->destroy(Value(entry));
  heap_bytes_ -= entry->heap_bytes + HeapKeyBytes(*entry);
  if ((entry->flags & HotEntry::kHeapKey) != 0) delete[] Bytes(entry);
  entry->flags = 0;
  entry->left = free_;
  free_ = number;
  --size_;
}

void EntryStore::Renew(HotEntry* entry) {
  ops_->destroy(Value(entry));
  ops_->construct(Value(entry));
  heap_bytes_ -= entry->heap_bytes;
  entry->heap_bytes = 0;
  if (stamped_) Stamp(entry) = kNoTimestamp;
}

void EntryStore::Measure(HotEntry* entry) {
  if (ops_->heap_bytes == nullptr) return;
  const size_t now = std::min<size_t>(ops_->heap_bytes(Value(entry)), UINT32_MAX);
  heap_bytes_ = heap_bytes_ - entry->heap_bytes + now;
  entry->heap_bytes = static_cast<uint32_t>(now);
}

}  // namespace weir
