// A backend against a model of ordered maps, driven by a seed: random operations, seals whose
// slices mix with further changes, aborted checkpoints, crashes with restores at another
// parallelism; over a store also spills, evictions, and write-backs that take their time. What a
// checkpoint holds is compared with the model as it was at the seal.
#pragma once

#include <array>
#include <deque>
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
  BackendModel(BackendParam param, uint64_t seed) : param_(std::move(param)), random_(seed) {
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
      Work();
    else if (dice < 960)
      Reclaim();
    else if (dice < 985)
      Tick();
    else if (dice < 999)
      Seal();
    else if (!param_.store || random_.OneIn(5))  // it takes as long as a thousand steps
      RestoreElsewhere();
  }
  // The whole state, by ScanAll, against the model.
  void CompareAll();

  int64_t checkpoints = 0;
  int64_t aborted = 0;
  int64_t restores = 0;
  int64_t changes_during_seal = 0;
  int64_t expired_seen = 0;
  int64_t spills = 0;

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
  // A seal on its way into the store and into the segments.
  struct Flight {
    SealedState sealed;
    bool full = false;
    bool spill = false;
    std::vector<SealedState> parts;
    bool stored = false;
    bool done = false;
  };
  struct Subtask {
    std::unique_ptr<StateBackend> backend;
    std::array<StateTable*, kTables> tables{};
    bool sealing = false;
    bool spilling = false;  // then it seals for a spill
    bool landed = true;     // its part of the checkpoint in progress
    bool planned_base = false;
    std::deque<Flight> flights;  // as in engine/runtime/segment_writer.h
    bool has_base = false;
    std::vector<SealedState> chain;
    std::vector<SealedState> acknowledged;  // the chain with the checkpoint, before what came next
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
  void Work();
  void Slice(Subtask* subtask);
  void HandOver(Subtask* subtask);
  void Fly(Subtask* subtask);
  void Land(Subtask* subtask);
  void Settle();
  void Spill(Subtask* subtask);
  void Reclaim();
  void Tick();
  void SettleFirstWatermark();
  void Seal();
  void FinishCheckpoint();
  std::vector<SealedState> WholeChain() const;
  void CheckChain();
  void RestoreElsewhere();
  void Start(int parallelism, const std::vector<SealedState>& chain);

  const BackendParam param_;
  Random random_;
  SystemClock clock_;
  int64_t now_ms_ = 0;
  int64_t watermark_ms_ = kNoTimestamp;
  std::vector<Subtask> subtasks_;
  Oracle oracle_;

  bool sealing_ = false;
  bool next_full_ = true;  // the last checkpoint was aborted, or there is none
  int64_t next_checkpoint_ = 1;
  Oracle at_seal_;
  int64_t seal_watermark_ms_ = 0;
  int64_t seal_now_ms_ = 0;
  std::vector<SealedState> restored_;  // the chain that the subtasks began with
  std::vector<SealedState> chain_;     // of the last complete checkpoint, all subtasks
  std::optional<Oracle> complete_;
};

inline void BackendModel::Start(int parallelism, const std::vector<SealedState>& chain) {
  subtasks_.clear();
  for (int i = 0; i < parallelism; ++i) {
    Subtask subtask;
    subtask.backend = param_.make(&clock_);
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
  if (random_.OneIn(4)) Settle();
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
  if (sealing_ || (param_.store && random_.OneIn(2))) return;
  sealing_ = true;
  const bool full = next_full_ || random_.OneIn(5);
  next_full_ = false;
  for (Subtask& subtask : subtasks_) {
    while (subtask.sealing) Slice(&subtask);
    const bool whole = full || (param_.store && !subtask.planned_base);
    subtask.backend->Seal(next_checkpoint_, whole);
    subtask.sealing = true;
    subtask.landed = false;
  }
  at_seal_ = oracle_;
  seal_now_ms_ = now_ms_;
  seal_watermark_ms_ = watermark_ms_;
  ++next_checkpoint_;
}

// What the tasks and the I/O threads do meanwhile.
inline void BackendModel::Work() {
  Subtask& subtask = subtasks_[random_.Uniform(subtasks_.size())];
  Fly(&subtask);
  if (random_.OneIn(16)) Spill(&subtask);
  if (subtask.sealing) Slice(&subtask);
}

inline void BackendModel::Slice(Subtask* subtask) {
  if (subtask->backend->WriteSlice(1)) HandOver(subtask);
}

inline void BackendModel::HandOver(Subtask* subtask) {
  Flight flight;
  flight.sealed = subtask->backend->TakeSealed();
  flight.full = flight.sealed.full;
  flight.spill = std::exchange(subtask->spilling, false);
  subtask->sealing = false;
  subtask->planned_base |= flight.full;
  if (flight.sealed.rest == nullptr) {
    flight.stored = flight.done = true;
    flight.parts.push_back(std::move(flight.sealed));
  }
  subtask->flights.push_back(std::move(flight));
  Land(subtask);
}

// One step of one flight: the first that is not in the store, or one that is and is being written.
inline void BackendModel::Fly(Subtask* subtask) {
  for (Flight& flight : subtask->flights) {
    if (flight.done || (flight.stored && random_.OneIn(2))) continue;
    SealedState part;
    const StatusOr<bool> more = flight.sealed.rest->Next(&part);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!std::exchange(flight.stored, true)) subtask->backend->StoreDone();
    flight.done = !*more;
    if (*more) flight.parts.push_back(std::move(part));
    break;
  }
  Land(subtask);
}

inline void BackendModel::Land(Subtask* subtask) {
  bool acknowledged = false;
  while (!subtask->flights.empty() && subtask->flights.front().done) {
    Flight flight = std::move(subtask->flights.front());
    subtask->flights.pop_front();
    if (flight.spill && !flight.full && !subtask->has_base) continue;
    if (flight.full) {
      subtask->chain.clear();
      subtask->has_base = true;
    }
    for (SealedState& part : flight.parts) {
      // Of broadcast state one copy is kept, as the runtime does.
      std::erase_if(part.tables, [&](const SealedTable& t) {
        return t.broadcast && subtask != &subtasks_.front();
      });
      subtask->chain.push_back(std::move(part));
    }
    if (flight.spill) continue;
    acknowledged = subtask->landed = true;
    subtask->acknowledged = subtask->chain;
  }
  if (!acknowledged || !sealing_) return;
  for (const Subtask& other : subtasks_) {
    if (!other.landed) return;
  }
  FinishCheckpoint();
}

inline void BackendModel::Settle() {
  for (Subtask& subtask : subtasks_) subtask.backend->Settle();
}

inline void BackendModel::Spill(Subtask* subtask) {
  if (!param_.store || subtask->sealing || subtask->flights.size() > 2) return;
  const StateBackend::Spill wanted = subtask->backend->WantsSpill();
  if (wanted == StateBackend::Spill::kNone && !random_.OneIn(64)) return;
  subtask->backend->Seal(next_checkpoint_, wanted == StateBackend::Spill::kFull);
  subtask->sealing = subtask->spilling = true;
  ++spills;
}

inline std::vector<SealedState> BackendModel::WholeChain() const {
  std::vector<SealedState> chain;
  if (!subtasks_.front().has_base) chain = restored_;
  for (const Subtask& subtask : subtasks_) {
    chain.insert(chain.end(), subtask.acknowledged.begin(), subtask.acknowledged.end());
  }
  return chain;
}

inline void BackendModel::FinishCheckpoint() {
  sealing_ = false;
  if (random_.OneIn(6)) {
    ++aborted;
    next_full_ = true;  // its changes are lost for the chain
    for (Subtask& subtask : subtasks_) subtask.has_base = subtask.planned_base = false;
    return;
  }
  chain_ = WholeChain();
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
  // Deltas may continue the chain that was restored; the runtime begins a new one.
  next_full_ = param_.store;
  now_ms_ += static_cast<int64_t>(random_.Uniform(100));  // the job was down
  oracle_ = *complete_;
  SettleFirstWatermark();
  restored_ = chain_;
  Start(kParallelisms[random_.Uniform(5)], chain_);
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
