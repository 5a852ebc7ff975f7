// The epochs of a table; hot_table.h explains how entries are told apart.
#include <utility>

#include "engine/base/fail_point.h"
#include "state/hot/hot_table.h"

namespace weir {

bool HotTable::Pending(uint32_t number, const HotEntry* entry) const {
  switch (mode_) {
    case SealMode::kNone:
      return false;
    case SealMode::kDelta:
      return entry->dirty_seq == seq_ - 1;
    // Blocks behind the cursor are serialised; what has been changed since the seal was serialised
    // at that change, or did not exist at the seal.
    case SealMode::kFull:
      return number >= cursor_ && entry->dirty_seq != seq_;
  }
  return false;
}

void HotTable::ChangeClean(uint32_t number, HotEntry* entry) {
  if (Pending(number, entry)) {
    // Planted: the change goes into the sealed epoch too, as without copy-on-write.
    if (WEIR_PLANTED_BUG("seal-skips-cow")) return;
    SerialisePut(entry);
  }
  entry->dirty_seq = seq_;
  entry->flags &= static_cast<uint8_t>(~HotEntry::kBorn);
  dirty_.push_back(number);
}

// Never pending: it was not there at the seal. A block that was freed in this epoch is in dirty_
// already, which bounds dirty_ by the blocks however often entries come and go.
void HotTable::NoteBirth(uint32_t number) {
  HotEntry* entry = store_.At(number);
  entry->flags |= HotEntry::kBorn;
  if (entry->dirty_seq == seq_) return;
  entry->dirty_seq = seq_;
  dirty_.push_back(number);
}

void HotTable::SerialisePut(HotEntry* entry) {
  scratch_.clear();
  const void* value = store_.Value(entry);
  descriptor_.ops->encode(value, &scratch_);
  StateRecord record;
  record.group = entry->group;
  record.key = store_.Key(entry);
  record.sub = store_.Sub(entry);
  if (clock_ != nullptr) record.last_access_ms = clock_->Written(store_.Stamp(entry));
  record.value = scratch_;
  sealed_.Append(record);
  store_.Measure(entry);
  entry->dirty_seq = mark_;
  entry->flags &= static_cast<uint8_t>(~HotEntry::kFresh);
}

void HotTable::NoteErase(const HotEntry* entry) {
  // Born in this epoch: no checkpoint holds it, or an erase record of this epoch stands already.
  if (entry->dirty_seq == seq_ && (entry->flags & HotEntry::kBorn) != 0) return;
  if (WEIR_PLANTED_BUG("erase-not-in-delta")) return;
  StateRecord record;
  record.op = StateRecord::Op::kErase;
  record.group = entry->group;
  record.key = store_.Key(entry);
  record.sub = store_.Sub(entry);
  erased_.Append(record);
}

void HotTable::Seal(bool full, uint32_t mark) {
  WEIR_CHECK(mode_ == SealMode::kNone, "a state table is sealed twice");
  mark_ = mark;
  mode_ = full ? SealMode::kFull : SealMode::kDelta;
  ++seq_;
  cursor_ = 0;
  sealed_end_ = store_.end();
  sealed_dirty_.swap(dirty_);
  dirty_.clear();
  // Erasures stand before all puts: of a key that was erased and made again only the last put
  // counts. A full seal holds everything there is, so what there is not need not be said.
  sealed_ = std::exchange(erased_, RecordParts());
  if (full) sealed_ = RecordParts();
}

size_t HotTable::SealedCount() const {
  return mode_ == SealMode::kFull ? sealed_end_ : sealed_dirty_.size();
}

bool HotTable::WriteSome() {
  if (mode_ == SealMode::kNone) return true;  // opened during the seal
  constexpr size_t kEntries = 32;
  constexpr size_t kBytes = size_t{32} * 1024;  // a few large values are a slice of their own
  constexpr size_t kAhead = 8;
  const bool full = mode_ == SealMode::kFull;
  const size_t count = SealedCount();
  const size_t stop_bytes = sealed_.bytes() + kBytes;
  for (size_t i = 0; i < kEntries && cursor_ < count && sealed_.bytes() < stop_bytes; ++i) {
    const auto number = full ? static_cast<uint32_t>(cursor_) : sealed_dirty_[cursor_];
    if (!full && cursor_ + kAhead < count) store_.Prefetch(sealed_dirty_[cursor_ + kAhead]);
    HotEntry* entry = store_.At(number);
    if (Visible(entry)) {
      if (Pending(number, entry)) SerialisePut(entry);
    } else if ((entry->flags & HotEntry::kGone) != 0 && Pending(number, entry)) {
      entry->dirty_seq = mark_;  // its erase record stands already
    }
    ++cursor_;
  }
  return cursor_ >= count;
}

void HotTable::TakeSealed(SealedState* out) {
  if (mode_ == SealMode::kNone) return;
  WEIR_CHECK(cursor_ >= SealedCount(), "sealed state is taken before it is serialised");
  std::vector<RecordParts::Part> parts = sealed_.Take();
  if (parts.empty() && mode_ == SealMode::kFull) parts.emplace_back();
  for (RecordParts::Part& part : parts) {
    SealedTable table;
    table.name = descriptor_.name;
    table.version = descriptor_.version;
    table.type_name = descriptor_.type_name;
    table.broadcast = descriptor_.broadcast;
    table.bytes = std::move(part.bytes);
    table.records = part.records;
    out->tables.push_back(std::move(table));
  }
  sealed_dirty_.clear();
  mode_ = SealMode::kNone;
}

}  // namespace weir
