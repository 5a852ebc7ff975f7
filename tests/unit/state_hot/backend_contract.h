// What every state backend promises (engine/core/state_backend.h). A backend's test includes this
// and instantiates BackendContract with its factory.
#pragma once

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/unit/state_hot/test_backend.h"

namespace weir {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class BackendContract : public ::testing::TestWithParam<BackendParam> {
 protected:
  void SetUp() override { Reset(); }
  void Reset() { backend_ = GetParam().make(&clock_); }
  StateTable* Open(const StateDescriptor& descriptor) {
    StatusOr<StateTable*> table = backend_->OpenTable(descriptor);
    EXPECT_TRUE(table.ok()) << table.status();
    return table.value();
  }
  StateTable* OpenInt(const std::string& name = "count", StateTtl ttl = {}) {
    return Open(Describe<int64_t>(name, ttl));
  }
  std::vector<std::string> SubKeys(StateTable* table, const KeyRef& key) {
    std::vector<std::string> subs;
    table->ScanKey(key, [&](std::string_view sub, const void*) {
      subs.emplace_back(sub);
      return true;
    });
    return subs;
  }

  SystemClock clock_;
  std::unique_ptr<StateBackend> backend_;
};

TEST_P(BackendContract, CreatesFindsAndErases) {
  StateTable* table = OpenInt();
  const StateKey a = MakeStateKey(Key("a"));
  EXPECT_EQ(table->Find(a), nullptr);
  EXPECT_EQ(table->FindForWrite(a), nullptr);
  EXPECT_EQ(table->size(), 0u) << "reading creates nothing";
  bool created = false;
  auto* value = static_cast<int64_t*>(table->FindOrCreate(a, &created));
  EXPECT_TRUE(created);
  EXPECT_EQ(*value, 0);
  *value = 5;
  EXPECT_EQ(table->FindOrCreate(a, &created), value);
  EXPECT_FALSE(created);
  EXPECT_EQ(table->FindForWrite(a), value);
  EXPECT_EQ(GetInt(table, Key("a")), "5");
  EXPECT_TRUE(table->Erase(a));
  EXPECT_FALSE(table->Erase(a));
  EXPECT_EQ(GetInt(table, Key("a")), "-");
}

TEST_P(BackendContract, KeepsKeysSubKeysAndGroupsApart) {
  StateTable* table = OpenInt();
  const std::string binary("\0\xFF", 2);
  const std::string large(5000, 'x');
  // The same bytes, cut differently, are different addresses.
  const std::vector<std::pair<std::string, std::string>> addresses = {
      {"", ""}, {"", "ab"}, {"ab", ""}, {"a", "b"}, {binary, binary}, {large, large}, {large, "y"}};
  int64_t n = 0;
  for (const uint16_t group : {0, 1, 0xFFFF}) {
    for (const auto& [key, sub] : addresses) PutInt(table, Key(key, group), ++n, sub);
  }
  n = 0;
  for (const uint16_t group : {0, 1, 0xFFFF}) {
    for (const auto& [key, sub] : addresses) {
      EXPECT_EQ(GetInt(table, Key(key, group), sub), std::to_string(++n));
    }
  }
  EXPECT_EQ(table->size(), 21u);
}

TEST_P(BackendContract, AddressesOfValuesAreStable) {
  StateTable* table = OpenInt();
  int64_t* first = &PutInt(table, Key("first"), 1);
  for (int i = 0; i < 20'000; ++i) PutInt(table, Key("k" + std::to_string(i)), i);
  for (int i = 0; i < 20'000; i += 2) {
    table->Erase(MakeStateKey(Key("k" + std::to_string(i))));
  }
  EXPECT_EQ(table->Find(MakeStateKey(Key("first"))), first);
  EXPECT_EQ(*first, 1);
  EXPECT_EQ(GetInt(table, Key("k7")), "7");
}

TEST_P(BackendContract, ScansOneKeyAscending) {
  StateTable* table = OpenInt();
  for (const char* sub : {"m", "", "zz", "a", "b", "ab"}) PutInt(table, Key("k"), 1, sub);
  PutInt(table, Key("k", 8), 1, "other group");
  PutInt(table, Key("kk"), 1, "other key");
  EXPECT_THAT(SubKeys(table, Key("k")), ElementsAre("", "a", "ab", "b", "m", "zz"));
  table->Erase(MakeStateKey(Key("k"), "b"));
  EXPECT_THAT(SubKeys(table, Key("k")), ElementsAre("", "a", "ab", "m", "zz"));
  EXPECT_THAT(SubKeys(table, Key("none")), IsEmpty());
  int seen = 0;
  table->ScanKey(Key("k"), [&](std::string_view, const void*) { return ++seen < 2; });
  EXPECT_EQ(seen, 2) << "false stops the scan";
}

TEST_P(BackendContract, ScansAll) {
  StateTable* table = OpenInt();
  PutInt(table, Key("a", 1), 1);
  PutInt(table, Key("a", 2), 2, "s");
  std::vector<std::string> seen;
  table->ScanAll([&](uint16_t group, std::string_view key, std::string_view sub, const void* v) {
    seen.push_back(std::to_string(group) + std::string(key) + std::string(sub) + "=" +
                   std::to_string(*static_cast<const int64_t*>(v)));
    return true;
  });
  EXPECT_THAT(seen, UnorderedElementsAre("1a=1", "2as=2"));
}

TEST_P(BackendContract, PrefetchOfAnythingIsHarmless) {
  StateTable* table = OpenInt();
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back("k" + std::to_string(i));
  std::vector<StateKey> keys;
  for (const std::string& name : names) keys.push_back(MakeStateKey(Key(name)));
  table->Prefetch(keys);
  table->Prefetch({});
  for (size_t i = 0; i < names.size(); i += 2) PutInt(table, Key(names[i]), 1);
  table->Prefetch(keys);
  EXPECT_EQ(table->size(), names.size() / 2);
}

TEST_P(BackendContract, DeltaHoldsWhatChangedSinceTheLastSeal) {
  StateTable* table = OpenInt();
  PutInt(table, Key("a"), 1);
  PutInt(table, Key("b"), 2);
  const SealedState first = SealAll(backend_.get(), 11);
  EXPECT_EQ(first.epoch, 11);
  EXPECT_FALSE(first.full);
  EXPECT_THAT(Records(first, "count"), UnorderedElementsAre("put a=1", "put b=2"));
  ASSERT_EQ(first.tables.size(), 1u);
  EXPECT_EQ(first.tables[0].records, 2);
  EXPECT_EQ(first.tables[0].type_name, "int");

  GetInt(table, Key("a"));  // a read is no change
  PutInt(table, Key("b"), 3);
  PutInt(table, Key("b"), 4);
  EXPECT_THAT(Records(SealAll(backend_.get(), 12), "count"), ElementsAre("put b=4"));
  EXPECT_TRUE(SealAll(backend_.get(), 13).tables.empty()) << "nothing changed";
  EXPECT_EQ(SealAll(backend_.get(), 14, true).tables.size(), 1u);
}

TEST_P(BackendContract, FullNamesEmptyTables) {
  OpenInt("empty");
  const SealedState full = SealAll(backend_.get(), 1, true);
  ASSERT_EQ(full.tables.size(), 1u);
  EXPECT_EQ(full.tables[0].name, "empty");
  EXPECT_TRUE(SealAll(backend_.get(), 2, false).tables.empty());
}

class SealKinds : public BackendContract {
 protected:
  // Runs `test` once with a delta and once with a full seal.
  template <typename Test>
  void ForBoth(Test test) {
    for (const bool full : {false, true}) {
      SCOPED_TRACE(full ? "full" : "delta");
      Reset();
      test(full);
    }
  }
};

TEST_P(SealKinds, ChangesAfterTheSealDoNotBelongToIt) {
  ForBoth([&](bool full) {
    StateTable* table = OpenInt();
    for (const char* key : {"change", "erase", "again", "keep"}) PutInt(table, Key(key), 1);
    backend_->Seal(1, full);
    PutInt(table, Key("change"), 2);
    PutInt(table, Key("change"), 3);
    table->Erase(MakeStateKey(Key("erase")));
    table->Erase(MakeStateKey(Key("again")));
    PutInt(table, Key("again"), 4);
    PutInt(table, Key("new"), 5);
    EXPECT_THAT(Records(Finish(backend_.get()), "count"),
                UnorderedElementsAre("put change=1", "put erase=1", "put again=1", "put keep=1"));
    EXPECT_THAT(Records(SealAll(backend_.get(), 2), "count"),
                UnorderedElementsAre("put change=3", "erase erase", "erase again", "put again=4",
                                     "put new=5"));
  });
}

TEST_P(SealKinds, ChangesBehindTheCursorBelongToTheNextSealOnly) {
  ForBoth([&](bool full) {
    StateTable* table = OpenInt();
    for (int i = 0; i < 1000; ++i) PutInt(table, Key("k" + std::to_string(i)), i);
    backend_->Seal(1, full);
    int slices = 0;
    while (!backend_->WriteSlice(1)) {
      // Some of these are serialised already, some are not.
      for (int i = slices; i < 1000; i += 97) PutInt(table, Key("k" + std::to_string(i)), -1);
      ++slices;
    }
    EXPECT_GT(slices, 10) << "a slice is small";
    std::map<std::string, TableData> tables;
    Apply(TakeWhole(backend_.get()), &tables);
    ASSERT_EQ(tables["count"].size(), 1000u);
    for (int i = 0; i < 1000; ++i) {
      std::string expected;
      Codec<int64_t>::Encode(i, &expected);
      EXPECT_EQ((tables["count"][{7, "k" + std::to_string(i), ""}].value), expected);
    }
  });
}

TEST_P(BackendContract, ErasuresStandBeforePutsOfTheSameEntry) {
  StateTable* table = OpenInt();
  PutInt(table, Key("k"), 1);
  SealAll(backend_.get(), 1);
  table->Erase(MakeStateKey(Key("k")));
  PutInt(table, Key("k"), 2);
  table->Erase(MakeStateKey(Key("k")));
  PutInt(table, Key("k"), 3);
  EXPECT_THAT(Records(SealAll(backend_.get(), 2), "count"), ElementsAre("erase k", "put k=3"));
  table->Erase(MakeStateKey(Key("k")));
  EXPECT_THAT(Records(SealAll(backend_.get(), 3), "count"), ElementsAre("erase k"));
}

TEST_P(BackendContract, WhatComesAndGoesInOneEpochLeavesNoPut) {
  StateTable* table = OpenInt();
  for (int i = 0; i < 10; ++i) {
    PutInt(table, Key("k"), i);
    table->Erase(MakeStateKey(Key("k")));
  }
  std::map<std::string, TableData> tables;
  const SealedState sealed = SealAll(backend_.get(), 1);
  EXPECT_LE(Records(sealed, "count").size(), 1u);
  Apply(sealed, &tables);
  EXPECT_TRUE(tables["count"].empty());
}

TEST_P(BackendContract, RestoresCleanEntriesLaterRecordsWin) {
  StateTable* table = OpenInt();
  for (const char* key : {"a", "b", "c"}) PutInt(table, Key(key), 1);
  const SealedState base = SealAll(backend_.get(), 1, true);
  PutInt(table, Key("a"), 2);
  table->Erase(MakeStateKey(Key("b")));
  const SealedState delta = SealAll(backend_.get(), 2);
  Reset();
  RestoreInto(backend_.get(), base);
  RestoreInto(backend_.get(), delta);
  EXPECT_THAT(backend_->UnopenedTables(), ElementsAre("count"));
  table = OpenInt();
  EXPECT_THAT(backend_->UnopenedTables(), IsEmpty());
  EXPECT_EQ(GetInt(table, Key("a")), "2");
  EXPECT_EQ(GetInt(table, Key("b")), "-");
  EXPECT_EQ(GetInt(table, Key("c")), "1");
  EXPECT_TRUE(SealAll(backend_.get(), 3).tables.empty()) << "restored entries are not dirty";
  table->Erase(MakeStateKey(Key("c")));
  EXPECT_THAT(Records(SealAll(backend_.get(), 4), "count"), ElementsAre("erase c"));
}

TEST_P(BackendContract, FullSealKeepsStateThatNobodyHasOpened) {
  PutInt(OpenInt("late"), Key("a"), 1);
  const SealedState base = SealAll(backend_.get(), 1, true);
  Reset();
  RestoreInto(backend_.get(), base);
  PutInt(OpenInt("other"), Key("a"), 2);
  EXPECT_THAT(Records(SealAll(backend_.get(), 2, false), "late"), IsEmpty()) << "the base has it";
  backend_->Seal(3, true);
  PutInt(OpenInt("late"), Key("a"), 5);
  const SealedState full = Finish(backend_.get());
  EXPECT_THAT(Records(full, "late"), ElementsAre("put a=1")) << "as it was at the seal";
  EXPECT_THAT(Records(SealAll(backend_.get(), 4), "late"), ElementsAre("put a=5"));
}

TEST_P(BackendContract, TableOpenedDuringASealIsNotPartOfIt) {
  PutInt(OpenInt("early"), Key("a"), 1);
  backend_->Seal(1, true);
  PutInt(OpenInt("late"), Key("a"), 1);
  const SealedState sealed = Finish(backend_.get());
  ASSERT_EQ(sealed.tables.size(), 1u);
  EXPECT_EQ(sealed.tables[0].name, "early");
  EXPECT_THAT(Records(SealAll(backend_.get(), 2), "late"), ElementsAre("put a=1"));
}

TEST_P(BackendContract, RefusesStateThatDoesNotFit) {
  PutInt(OpenInt("count"), Key("a"), 1);
  const SealedState base = SealAll(backend_.get(), 1, true);
  Reset();
  RestoreInto(backend_.get(), base);
  const Status other_type = backend_->OpenTable(Describe<std::string>("count")).status();
  EXPECT_EQ(ErrorNumber(other_type), static_cast<int>(ErrorCode::kStateIncompatible));
  EXPECT_THAT(std::string(other_type.message()),
              HasSubstr("state 'count' was written as 'int' version 1, the operator declares "
                        "'string' version 1"));
  StateDescriptor newer = Describe<int64_t>("count");
  newer.version = 2;
  EXPECT_EQ(ErrorNumber(backend_->OpenTable(newer).status()),
            static_cast<int>(ErrorCode::kStateVersion));
  StateDescriptor broadcast = Describe<int64_t>("count");
  broadcast.broadcast = true;
  EXPECT_EQ(ErrorNumber(backend_->OpenTable(broadcast).status()),
            static_cast<int>(ErrorCode::kStateIncompatible));
  EXPECT_THAT(backend_->UnopenedTables(), ElementsAre("count")) << "a refusal loses nothing";
  EXPECT_EQ(GetInt(OpenInt("count"), Key("a")), "1");
}

TEST_P(BackendContract, RefusesValuesThatDoNotDecode) {
  SealedTable header;
  header.name = "count";
  header.type_name = "int";
  StateRecord record;
  record.key = "a";
  record.value = "too long to be one int";
  ASSERT_TRUE(backend_->Restore(header, record).ok());
  const StatusOr<StateTable*> table = backend_->OpenTable(Describe<int64_t>("count"));
  Status status = table.status();
  if (table.ok()) {
    ASSERT_TRUE(GetParam().store);
    try {
      (*table)->Find(MakeStateKey(Key("a", 0)));
    } catch (const StateReadError& e) {
      status = e.status();
    }
  }
  EXPECT_EQ(ErrorNumber(status), static_cast<int>(ErrorCode::kStateCorrupt));
  EXPECT_THAT(std::string(status.message()), HasSubstr("state 'count'"));
}

TEST_P(BackendContract, RefusesToOpenATableTwice) {
  OpenInt("count");
  EXPECT_EQ(ErrorNumber(backend_->OpenTable(Describe<int64_t>("count")).status()),
            static_cast<int>(ErrorCode::kStateIncompatible));
}

TEST_P(BackendContract, SealedTablesTellBroadcastFromKeyed) {
  StateDescriptor rules = Describe<int64_t>("rules");
  rules.broadcast = true;
  PutInt(Open(rules), Key("", kBroadcastKeyGroup), 1, "r1");
  PutInt(OpenInt("count"), Key("a"), 1);
  const SealedState sealed = SealAll(backend_.get(), 1);
  ASSERT_EQ(sealed.tables.size(), 2u);
  EXPECT_TRUE(sealed.tables[0].broadcast);
  EXPECT_FALSE(sealed.tables[1].broadcast);
}

TEST_P(BackendContract, MemoryIsAccountedAndReleased) {
  StateTable* table = Open(Describe<std::string>("text"));
  const size_t before = backend_->memory_bytes();
  constexpr int kEntries = 20'000;
  constexpr size_t kValueBytes = 1000;
  for (int i = 0; i < kEntries; ++i) {
    Put<std::string>(table, Key("k" + std::to_string(i)), "", std::string(kValueBytes, 'v'));
  }
  const size_t full = backend_->memory_bytes() - before;
  EXPECT_GT(full, kEntries * kValueBytes);
  EXPECT_LT(full, kEntries * (kValueBytes + 400));
  EXPECT_LE(table->memory_bytes(), backend_->memory_bytes());
  for (int i = 0; i < kEntries; ++i) {
    table->Erase(MakeStateKey(Key("k" + std::to_string(i))));
  }
  EXPECT_LT(backend_->memory_bytes() - before, kEntries * 300u);
  for (int i = 0; i < kEntries; ++i) {
    Put<std::string>(table, Key("other" + std::to_string(i)), "", "x");
  }
  EXPECT_LT(backend_->memory_bytes() - before, kEntries * 300u) << "erased space is used again";
}

}  // namespace weir
