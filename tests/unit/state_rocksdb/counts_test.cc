// What a state over a store counts of itself (D19): each lookup is a hit or a miss, once.
#include "engine/core/state_counts.h"

#include <string>
#include <vector>

#include "state/hot/hot_backend.h"
#include "tests/unit/state_hot/test_backend.h"
#include "tests/unit/state_rocksdb/rocks_rig.h"
#include "tests/unit/state_rocksdb/store_driver.h"

namespace weir {
namespace {

constexpr int kKeys = 4000;

StateCounts CountsOf(const StateBackend& backend) {
  return dynamic_cast<const CountingState&>(backend).Counts();
}
std::string KeyText(int i) { return "key-" + std::to_string(i); }

class StoreCounts : public testing::Test {
 protected:
  // All keys are written back, and most of them evicted.
  void SetUp() override {
    for (int i = 0; i < kKeys; ++i) PutInt(table_, Key(KeyText(i)), i);
    driver_.Checkpoint(false);
    backend_->Settle();
  }
  SystemClock clock_;
  const std::unique_ptr<StateBackend> backend_ = MakeRocks(&clock_, size_t{64} << 10, true);
  StateTable* table_ = *backend_->OpenTable(Describe<int64_t>("t"));
  StoreDriver driver_{backend_.get()};
};

TEST_F(StoreCounts, WriteBackAndEviction) {
  const StateCounts counts = CountsOf(*backend_);
  EXPECT_EQ(counts.misses, 0) << "an empty store is not asked";
  EXPECT_EQ(counts.hits, 0) << "and what nobody has is no hit";
  EXPECT_EQ(counts.read_bytes, 0);
  EXPECT_EQ(counts.written_entries, kKeys);
  EXPECT_GT(counts.written_bytes, kKeys * 8);
  EXPECT_GT(counts.evicted, kKeys / 2);
  EXPECT_EQ(counts.hot_limit_bytes, 64 << 10);
  EXPECT_GT(counts.hot_bytes, 0);
  EXPECT_LE(counts.hot_bytes, counts.hot_limit_bytes);
}

TEST_F(StoreCounts, AMissThenHits) {
  const StateCounts before = CountsOf(*backend_);
  for (int times = 0; times < 3; ++times) {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(GetInt(table_, Key(KeyText(i))), std::to_string(i));
  }
  const StateCounts after = CountsOf(*backend_);
  const int64_t misses = after.misses - before.misses;
  EXPECT_GT(misses, 0);
  EXPECT_LE(misses, 10);
  EXPECT_EQ(after.hits - before.hits, 30 - misses);
  EXPECT_EQ(after.absent, before.absent);
  EXPECT_GT(after.read_bytes, before.read_bytes);
}

TEST_F(StoreCounts, WhatWasPrefetchedIsNoHit) {
  std::vector<std::string> texts;
  std::vector<StateKey> keys;
  for (int i = 0; i < 100; ++i) texts.push_back("new-" + std::to_string(i));
  for (const std::string& text : texts) keys.push_back(MakeStateKey(Key(text)));
  const StateCounts before = CountsOf(*backend_);
  table_->Prefetch(keys);
  for (const StateKey& key : keys) EXPECT_EQ(table_->Find(key), nullptr);
  StateCounts after = CountsOf(*backend_);
  EXPECT_EQ(after.misses - before.misses, 100);
  EXPECT_EQ(after.absent - before.absent, 100);
  EXPECT_EQ(after.hits, before.hits);
  for (const StateKey& key : keys) EXPECT_EQ(table_->Find(key), nullptr);
  EXPECT_EQ(CountsOf(*backend_).hits - before.hits, 100) << "that it is absent is known by now";
}

TEST_F(StoreCounts, AScanOfOneKeyIsOneLookup) {
  const KeyRef key = Key("one");
  for (int i = 0; i < 50; ++i) PutInt(table_, key, i, KeyText(i));
  driver_.Checkpoint(false);
  const StateCounts before = CountsOf(*backend_);
  for (int times = 0; times < 3; ++times) {
    int visited = 0;
    table_->ScanKey(key, [&](std::string_view, const void*) { return ++visited > 0; });
    EXPECT_EQ(visited, 50);
  }
  const StateCounts after = CountsOf(*backend_);
  EXPECT_EQ(after.misses - before.misses, 1);
  EXPECT_EQ(after.hits - before.hits, 2);
}

TEST(StoreCountsOff, WithoutAStoreThereIsNothingToMiss) {
  SystemClock clock;
  HotStateBackend backend(&clock);
  StateTable* table = *backend.OpenTable(Describe<int64_t>("t"));
  PutInt(table, Key("a"), 1);
  EXPECT_EQ(GetInt(table, Key("b")), "-");
  const StateCounts counts = backend.Counts();
  EXPECT_EQ(counts.hits + counts.misses + counts.hot_limit_bytes, 0);
}

}  // namespace
}  // namespace weir
