// A backend against a model of ordered maps, driven by a seed: random operations, seals whose
// slices mix with further changes, aborted checkpoints, restores at another parallelism. What a
// checkpoint holds is compared with the model as it was at the seal.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/model/key.h"
#include "tests/unit/state_hot/model_tables.h"
#include "tests/unit/state_hot/test_backend.h"

namespace weir {

class BackendModel : private ModelTables {
 public:
  BackendModel(BackendFactory make, uint64_t seed) : make_(std::move(make)), random_(seed) {
    now_ms_ = 1000;
    Start(1 + static_cast<int>(random_.Uniform(3)), {});
  }

  void Step() {
    const uint64_t dice = random_.Uniform(1000);
    if (dice < 550)
      Write();
    else if (dice < 650)
      Erase();
    else if (dice < 850)
      Read();
    else if (dice < 870)
      Scan();
    else if (dice < 940)
      Slice();
    else if (dice < 960)
      Reclaim();
    else if (dice < 985)
      Tick();
    else if (dice < 999)
      Seal();
    else
      RestoreElsewhere();
  }
  // The whole state, by ScanAll, against the model.
  void CompareAll();

  int64_t checkpoints = 0;
  int64_t aborted = 0;
  int64_t restores = 0;
  int64_t changes_during_seal = 0;
  int64_t expired_seen = 0;

 private:
  static constexpr int kMaxParallelism = 16;
  static constexpr int64_t kBefore = kNoTimestamp + 1;  // accessed before the first watermark

  struct Entry {
    int64_t value = 0;
    int64_t stamp = kNoTimestamp;
  };
  using Oracle = std::array<std::map<EntryId, Entry>, kTables>;
  struct Address {
    int table;
    uint16_t group;
    std::string key;
    std::string sub;
  };
  struct Subtask {
    std::unique_ptr<StateBackend> backend;
    std::array<StateTable*, kTables> tables{};
    bool written = true;  // its part of the seal in progress
  };

  int64_t Now(int table) const { return table == kEventTtl ? watermark_ms_ : now_ms_; }
  bool Expired(int table, const Entry& e) const {
    return HasTtl(table) && Now(table) != kNoTimestamp && e.stamp > kBefore &&
           e.stamp + kTtl <= Now(table);
  }
  void Stamp(int table, Entry* e) const {
    if (HasTtl(table)) e->stamp = Now(table) == kNoTimestamp ? kBefore : Now(table);
  }

  Address Pick() {
    Address a;
    a.table = static_cast<int>(random_.Uniform(kTables));
    const uint64_t k = random_.Uniform(150);
    a.key = a.table == kBroadcast ? "" : "key" + std::string(k % 7 * 9, '_') + std::to_string(k);
    a.group = a.table == kBroadcast ? kBroadcastKeyGroup : KeyGroupFor(a.key, kMaxParallelism);
    if (a.table == kBroadcast || a.table == kMap || random_.OneIn(4)) {
      a.sub = "s" + std::to_string(random_.Uniform(12));
    }
    return a;
  }
  // A keyed entry has one owner; a broadcast entry is changed on every subtask alike.
  template <typename Fn>
  void ForOwners(const Address& a, Fn fn) {
    const int p = static_cast<int>(subtasks_.size());
    for (int i = 0; i < p; ++i) {
      if (a.table == kBroadcast || OwnerOf(a.group, p, kMaxParallelism) == i) {
        const KeyRef ref{a.group, HashBytes(a.key), a.key};
        fn(subtasks_[static_cast<size_t>(i)].tables[static_cast<size_t>(a.table)],
           MakeStateKey(ref, a.sub));
      }
    }
  }

  void Write();
  void Erase();
  void Read();
  void Scan();
  void Slice();
  void Reclaim();
  void Tick();
  void SettleFirstWatermark();
  void Seal();
  void FinishSeal();
  void CheckChain();
  void RestoreElsewhere();
  void Start(int parallelism, const std::vector<SealedState>& chain);

  BackendFactory make_;
  Random random_;
  SystemClock clock_;
  int64_t now_ms_ = 0;
  int64_t watermark_ms_ = kNoTimestamp;
  std::vector<Subtask> subtasks_;
  Oracle oracle_;

  bool sealing_ = false;
  bool full_ = true;       // the seal in progress
  bool next_full_ = true;  // the last checkpoint was aborted, or there is none
  int64_t next_checkpoint_ = 1;
  Oracle at_seal_;
  int64_t seal_watermark_ms_ = 0;
  int64_t seal_now_ms_ = 0;
  std::vector<SealedState> chain_;  // of the last complete checkpoint, all subtasks
  std::optional<Oracle> complete_;
};

inline void BackendModel::Start(int parallelism, const std::vector<SealedState>& chain) {
  subtasks_.clear();
  for (int i = 0; i < parallelism; ++i) {
    Subtask subtask;
    subtask.backend = make_(&clock_);
    for (const SealedState& sealed : chain) {
      RestoreInto(subtask.backend.get(), sealed, [&](uint16_t group) {
        return group == kBroadcastKeyGroup || OwnerOf(group, parallelism, kMaxParallelism) == i;
      });
    }
    subtask.backend->SetTime(now_ms_, watermark_ms_);
    for (int t = 0; t < kTables; ++t) {
      StatusOr<StateTable*> table = subtask.backend->OpenTable(Descriptor(t));
      ASSERT_TRUE(table.ok()) << table.status();
      subtask.tables[static_cast<size_t>(t)] = *table;
    }
    subtasks_.push_back(std::move(subtask));
  }
}

inline void BackendModel::Write() {
  const Address a = Pick();
  auto& entries = oracle_[static_cast<size_t>(a.table)];
  const EntryId id{a.group, a.key, a.sub};
  const auto it = entries.find(id);
  const bool there = it != entries.end() && !Expired(a.table, it->second);
  const bool only_if_there = random_.OneIn(3);
  const auto v = static_cast<int64_t>(random_.Uniform(1'000'000));
  ForOwners(a, [&](StateTable* table, const StateKey& key) {
    bool created = false;
    void* at = only_if_there ? table->FindForWrite(key) : table->FindOrCreate(key, &created);
    ASSERT_EQ(at != nullptr, there || !only_if_there);
    if (at == nullptr) return;
    ASSERT_EQ(created, !there);
    ASSERT_TRUE(created || Holds(a.table, at, it->second.value));
    Set(a.table, at, v);
  });
  if (!there && only_if_there) return;
  if (!there) entries.erase(id);
  entries[id].value = v;
  Stamp(a.table, &entries[id]);
  if (sealing_) ++changes_during_seal;
}

inline void BackendModel::Erase() {
  const Address a = Pick();
  auto& entries = oracle_[static_cast<size_t>(a.table)];
  const auto it = entries.find({a.group, a.key, a.sub});
  const bool there = it != entries.end() && !Expired(a.table, it->second);
  ForOwners(a,
            [&](StateTable* table, const StateKey& key) { ASSERT_EQ(table->Erase(key), there); });
  if (it != entries.end()) entries.erase(it);
}

inline void BackendModel::Read() {
  const Address a = Pick();
  auto& entries = oracle_[static_cast<size_t>(a.table)];
  const auto it = entries.find({a.group, a.key, a.sub});
  const bool there = it != entries.end() && !Expired(a.table, it->second);
  if (it != entries.end() && !there) ++expired_seen;
  ForOwners(a, [&](StateTable* table, const StateKey& key) {
    table->Prefetch({&key, 1});
    const void* at = table->Find(key);
    ASSERT_EQ(at != nullptr, there) << a.key << "/" << a.sub << " in " << Name(a.table);
    if (there) {
      ASSERT_TRUE(Holds(a.table, at, it->second.value));
    }
  });
  if (there && (a.table == kReadTtl || it->second.stamp == kNoTimestamp)) {
    Stamp(a.table, &it->second);
  }
}

inline void BackendModel::Scan() {
  const Address a = Pick();
  auto& entries = oracle_[static_cast<size_t>(a.table)];
  std::map<std::string, int64_t> expected;
  for (auto it = entries.lower_bound({a.group, a.key, ""});
       it != entries.end() && std::get<0>(it->first) == a.group && std::get<1>(it->first) == a.key;
       ++it) {
    if (Expired(a.table, it->second)) continue;
    expected[std::get<2>(it->first)] = it->second.value;
  }
  ForOwners(a, [&](StateTable* table, const StateKey&) {
    auto next = expected.begin();
    const KeyRef ref{a.group, HashBytes(a.key), a.key};
    table->ScanKey(ref, [&](std::string_view sub, const void* value) {
      EXPECT_TRUE(next != expected.end() && next->first == sub &&
                  Holds(a.table, value, next->second))
          << a.key << "/" << sub;
      return next != expected.end() && ++next != expected.end();
    });
    ASSERT_TRUE(next == expected.end());
  });
  for (const auto& [sub, value] : expected) {
    Entry& e = entries[{a.group, a.key, sub}];
    if (a.table == kReadTtl || e.stamp == kNoTimestamp) Stamp(a.table, &e);
  }
}

inline void BackendModel::Reclaim() {
  for (Subtask& subtask : subtasks_) subtask.backend->ReclaimExpired();
}

// Accesses before the first watermark count as accesses at it.
inline void BackendModel::SettleFirstWatermark() {
  if (watermark_ms_ == kNoTimestamp) return;
  for (auto& [id, e] : oracle_[kEventTtl]) {
    if (e.stamp == kBefore) e.stamp = watermark_ms_;
  }
}

inline void BackendModel::Tick() {
  now_ms_ += static_cast<int64_t>(random_.Uniform(40));
  if (watermark_ms_ != kNoTimestamp || random_.OneIn(20)) {
    const bool first = watermark_ms_ == kNoTimestamp;
    watermark_ms_ = (first ? 500 : watermark_ms_) + static_cast<int64_t>(random_.Uniform(40));
    SettleFirstWatermark();
  }
  for (Subtask& subtask : subtasks_) subtask.backend->SetTime(now_ms_, watermark_ms_);
}

inline void BackendModel::Seal() {
  if (sealing_) return;
  sealing_ = true;
  full_ = next_full_ || random_.OneIn(5);
  for (Subtask& subtask : subtasks_) {
    subtask.backend->Seal(next_checkpoint_, full_);
    subtask.written = false;
  }
  at_seal_ = oracle_;
  seal_now_ms_ = now_ms_;
  seal_watermark_ms_ = watermark_ms_;
  ++next_checkpoint_;
}

inline void BackendModel::Slice() {
  if (!sealing_) return;
  Subtask& subtask = subtasks_[random_.Uniform(subtasks_.size())];
  if (!subtask.written) subtask.written = subtask.backend->WriteSlice(1);
  for (const Subtask& other : subtasks_) {
    if (!other.written) return;
  }
  FinishSeal();
}

inline void BackendModel::FinishSeal() {
  sealing_ = false;
  std::vector<SealedState> parts;
  for (size_t i = 0; i < subtasks_.size(); ++i) {
    SealedState sealed = subtasks_[i].backend->TakeSealed();
    ASSERT_EQ(sealed.epoch, next_checkpoint_ - 1);
    ASSERT_EQ(sealed.full, full_);
    // Of broadcast state one copy is kept, as the runtime does.
    std::erase_if(sealed.tables, [&](const SealedTable& t) { return t.broadcast && i > 0; });
    parts.push_back(std::move(sealed));
  }
  if (random_.OneIn(6)) {
    ++aborted;
    next_full_ = true;  // its changes are lost for the chain
    return;
  }
  if (full_) chain_.clear();
  next_full_ = false;
  for (SealedState& part : parts) chain_.push_back(std::move(part));
  complete_ = at_seal_;
  ++checkpoints;
  CheckChain();
}

// The segments in order give the model at the seal: values, and with TTL the last access.
inline void BackendModel::CheckChain() {
  std::map<std::string, TableData> tables;
  for (const SealedState& part : chain_) Apply(part, &tables);
  for (int t = 0; t < kTables; ++t) {
    TableData& data = tables[Name(t)];
    for (auto& [id, entry] : (*complete_)[static_cast<size_t>(t)]) {
      const auto it = data.find(id);
      const int64_t now = t == kEventTtl ? seal_watermark_ms_ : seal_now_ms_;
      const bool expired = HasTtl(t) && entry.stamp > kBefore && entry.stamp + kTtl <= now;
      if (it == data.end()) {
        ASSERT_TRUE(expired) << Name(t) << " lacks " << std::get<1>(id);
        continue;
      }
      ASSERT_EQ(it->second.value, Encoded(t, entry.value)) << Name(t) << " " << std::get<1>(id);
      // An access before the first watermark is written with or without it, depending on whether
      // the watermark came before the slice.
      if (it->second.stamp != kBefore && entry.stamp != kBefore) {
        ASSERT_EQ(it->second.stamp, entry.stamp);
      }
      entry.stamp = it->second.stamp;
      data.erase(it);
    }
    ASSERT_TRUE(data.empty()) << Name(t) << " holds what was not there at the seal: "
                              << std::get<1>(data.begin()->first);
  }
}

inline void BackendModel::RestoreElsewhere() {
  if (!complete_.has_value()) return;
  static constexpr int kParallelisms[] = {1, 2, 3, 5, 8};
  sealing_ = false;
  now_ms_ += static_cast<int64_t>(random_.Uniform(100));  // the job was down
  oracle_ = *complete_;
  SettleFirstWatermark();
  Start(kParallelisms[random_.Uniform(5)], chain_);
  // Deltas continue the chain that was restored.
  ++restores;
  CompareAll();
}

inline void BackendModel::CompareAll() {
  Oracle seen;
  for (size_t i = 0; i < subtasks_.size(); ++i) {
    for (int t = 0; t < kTables; ++t) {
      std::map<EntryId, Entry> mine;
      subtasks_[i].tables[static_cast<size_t>(t)]->ScanAll(
          [&](uint16_t group, std::string_view key, std::string_view sub, const void* value) {
            const EntryId id{group, std::string(key), std::string(sub)};
            const auto& entries = oracle_[static_cast<size_t>(t)];
            const auto it = entries.find(id);
            EXPECT_TRUE(it != entries.end() && !Expired(t, it->second) &&
                        Holds(t, value, it->second.value))
                << Name(t) << " " << key << "/" << sub;
            EXPECT_TRUE(mine.emplace(id, Entry{}).second);
            return true;
          });
      if (t != kBroadcast || i == 0) seen[static_cast<size_t>(t)].merge(mine);
      if (t == kBroadcast && i > 0) {
        EXPECT_EQ(mine.size(), seen[kBroadcast].size());
      }
    }
  }
  for (int t = 0; t < kTables; ++t) {
    for (const auto& [id, entry] : oracle_[static_cast<size_t>(t)]) {
      ASSERT_TRUE(Expired(t, entry) || seen[static_cast<size_t>(t)].count(id) == 1)
          << Name(t) << " lost " << std::get<1>(id) << "/" << std::get<2>(id);
    }
  }
}

}  // namespace weir
