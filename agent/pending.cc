#include "agent/pending.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace weir {

void Codec<PendingEntry>::Encode(const PendingEntry& e, std::string* out) {
  const unsigned flags = (e.decided ? 1u : 0) | (e.emitted ? 2u : 0) | (e.settled ? 4u : 0);
  PutVarint(out, static_cast<uint64_t>(e.kind));
  PutVarint(out, flags);
  PutFixed64(out, e.key_hash);
  PutSigned(out, e.watermark);
  PutSigned(out, e.seq);
  for (const std::string* s : {&e.row, &e.signature, &e.request_id, &e.decision, &e.rule_id}) {
    PutBytes(out, *s);
  }
}

bool Codec<PendingEntry>::Decode(ByteReader* in, PendingEntry* e) {
  const uint64_t kind = in->Varint();
  const uint64_t flags = in->Varint();
  if (kind > static_cast<uint64_t>(PendingEntry::Kind::kAnswered) || flags > 7) return false;
  e->kind = static_cast<PendingEntry::Kind>(kind);
  e->decided = (flags & 1) != 0;
  e->emitted = (flags & 2) != 0;
  e->settled = (flags & 4) != 0;
  e->key_hash = in->Fixed64();
  e->watermark = in->Signed();
  e->seq = in->Signed();
  for (std::string* s : {&e->row, &e->signature, &e->request_id, &e->decision, &e->rule_id}) {
    *s = in->Bytes();
  }
  return in->ok();
}

size_t Codec<PendingEntry>::HeapBytes(const PendingEntry& e) {
  size_t bytes = 0;
  for (const std::string* s : {&e.row, &e.signature, &e.request_id, &e.decision, &e.rule_id}) {
    bytes += Codec<std::string>::HeapBytes(*s);
  }
  return bytes;
}

Status PendingStore::Open(StateOpener* opener) {
  WEIR_RETURN_IF_ERROR(state_.Open(opener, "pending"));
  struct Restored {
    int64_t sequence;
    uint16_t group;
    PendingEntry entry;
  };
  std::vector<Restored> all;
  state_.ForEach([&](uint16_t group, int64_t sequence, const PendingEntry& entry) {
    all.push_back({sequence, group, entry});
    return true;
  });
  std::sort(all.begin(), all.end(), [](const Restored& a, const Restored& b) {
    return std::tie(a.sequence, a.group) < std::tie(b.sequence, b.group);
  });
  for (const Restored& r : all) state_.Remove(r.group, r.sequence);
  std::vector<int64_t> done;
  for (Restored& r : all) {
    const PendingEntry& e = r.entry;
    const bool is_done = e.kind == PendingEntry::Kind::kAnswered || e.decided;
    const bool emitted = e.emitted;
    const uint64_t key_hash = e.key_hash;
    const int64_t watermark = e.watermark;
    const int64_t sequence = next_sequence_++;
    groups_[sequence] = r.group;
    state_.Put(r.group, sequence) = std::move(r.entry);
    if (emitted) continue;
    queue_.Add(sequence, key_hash, watermark);
    if (is_done) done.push_back(sequence);
  }
  for (const int64_t sequence : done) queue_.Complete(sequence);
  return absl::OkStatus();
}

int64_t PendingStore::Add(uint16_t group, PendingEntry entry) {
  const int64_t sequence = next_sequence_++;
  groups_[sequence] = group;
  if (!entry.emitted) queue_.Add(sequence, entry.key_hash, entry.watermark);
  state_.Put(group, sequence) = std::move(entry);
  return sequence;
}

const PendingEntry* PendingStore::Get(int64_t sequence) {
  const auto it = groups_.find(sequence);
  return it == groups_.end() ? nullptr : state_.Get(it->second, sequence);
}

const PendingEntry& PendingStore::At(int64_t sequence) {
  const PendingEntry* entry = Get(sequence);
  if (entry != nullptr) return *entry;
  throw StateReadError(
      Err(ErrorCode::kInternal, absl::StrCat("pending event ", sequence, " is not in the state")));
}

PendingEntry* PendingStore::Edit(int64_t sequence) {
  const auto it = groups_.find(sequence);
  return it == groups_.end() ? nullptr : state_.GetForWrite(it->second, sequence);
}

void PendingStore::Remove(int64_t sequence) {
  const auto it = groups_.find(sequence);
  if (it == groups_.end()) return;
  state_.Remove(it->second, sequence);
  groups_.erase(it);
}

std::vector<int64_t> PendingStore::Sequences() const {
  std::vector<int64_t> out;
  for (const auto& [sequence, group] : groups_) out.push_back(sequence);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace weir
