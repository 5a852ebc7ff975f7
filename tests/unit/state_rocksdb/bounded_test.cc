// State of four times its memory, all of it written between two checkpoints, stays within a bound.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "state/hot/hot_backend.h"
#include "tests/unit/state_hot/test_backend.h"
#include "tests/unit/state_rocksdb/rocks_rig.h"
#include "tests/unit/state_rocksdb/store_driver.h"

namespace weir {
namespace {

constexpr size_t kHotBytes = size_t{8} << 20;
constexpr uint64_t kKeys =
    4 * kHotBytes / 64;  // an entry takes 64 bytes, and its slot in the index

// A sanitizer keeps memory of its own, so that a process's size says nothing about ours.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_SANITIZED
#endif
#endif
#ifdef WEIR_SANITIZED
size_t ResidentBytes() { return 0; }
#else
size_t ResidentBytes() {
  malloc_trim(0);
  size_t total = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  WEIR_CHECK(file != nullptr && std::fscanf(file, "%zu %zu", &total, &resident) == 2);
  std::fclose(file);
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}
#endif

class Keys {
 public:
  explicit Keys(uint64_t first, size_t count = 256) : bytes_(count * 8, '\0') {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t n = (first + i) * 0x9E3779B97F4A7C15u;
      std::memcpy(bytes_.data() + i * 8, &n, 8);
      const std::string_view key(bytes_.data() + i * 8, 8);
      keys_.push_back(MakeStateKey(Key(key, static_cast<uint16_t>(n % 128))));
    }
  }
  const std::vector<StateKey>& keys() const { return keys_; }

 private:
  std::string bytes_;
  std::vector<StateKey> keys_;
};

TEST(BoundedMemory, StateOfFourTimesItsMemoryWrittenBetweenTwoCheckpoints) {
  SystemClock clock;
  const size_t before = ResidentBytes();
  const std::unique_ptr<StateBackend> backend = MakeRocks(&clock, kHotBytes, false);
  StateTable* table = *backend->OpenTable(Describe<int64_t>("count"));
  StoreDriver driver(backend.get());
  size_t most = 0;
  int spills = 0;
  for (int64_t round = 1; round <= 2; ++round) {
    for (uint64_t first = 0; first < kKeys; first += 256) {
      const Keys batch(first);
      table->Prefetch(batch.keys());
      for (const StateKey& key : batch.keys()) {
        bool created = false;
        auto* value = static_cast<int64_t*>(table->FindOrCreate(key, &created));
        ASSERT_EQ(created, round == 1);
        *value += static_cast<int64_t>(first) + round;
      }
      spills += driver.Settle() ? 1 : 0;
      if (first % 65'536 == 0) most = std::max(most, ResidentBytes() - before);
    }
  }
  EXPECT_EQ(table->size(), kKeys);
  EXPECT_GT(spills, 8);
  const size_t deltas = driver.bytes;
  driver.largest = 0;
  driver.records = 0;
  driver.Checkpoint(true);
  most = std::max(most, ResidentBytes() - before);
  EXPECT_EQ(driver.records, static_cast<int64_t>(kKeys)) << "a full seal holds each entry once";
  EXPECT_LT(driver.largest, size_t{10} << 20) << "and comes in parts";
  EXPECT_LT(most, 3 * kHotBytes) << "of " << kKeys * 77 << " bytes in memory, " << deltas
                                 << " written";
  RecordProperty("resident_mib", static_cast<int>(most >> 20));
  std::printf("[  figure  ] state %zu MiB, bound %zu MiB, resident at most %zu MiB, %d spills\n",
              kKeys * 77 >> 20, kHotBytes >> 20, most >> 20, spills);
  for (uint64_t first = 0; first < kKeys; first += 256 * 37) {
    const Keys batch(first);
    table->Prefetch(batch.keys());
    for (const StateKey& key : batch.keys()) {
      const auto* value = static_cast<const int64_t*>(table->Find(key));
      ASSERT_NE(value, nullptr);
      ASSERT_EQ(*value, 2 * static_cast<int64_t>(first) + 3);
    }
    backend->Settle();
  }
}

TEST(BoundedMemory, WhatExpiresBelowIsErasedThereToo) {
  SystemClock clock;
  const std::unique_ptr<StateBackend> backend = MakeRocks(&clock, size_t{1} << 20, true);
  backend->SetTime(0, 0);
  StateTable* table =
      *backend->OpenTable(Describe<int64_t>("t", {StateTtl::Domain::kProcessingTime, 100, false}));
  StoreDriver driver(backend.get());
  constexpr uint64_t kMany = 50'000;
  for (uint64_t first = 0; first < kMany; first += 250) {
    const Keys batch(first, 250);
    for (const StateKey& key : batch.keys()) {
      bool created = false;
      table->FindOrCreate(key, &created);
    }
    driver.Settle();
  }
  EXPECT_EQ(table->size(), kMany);
  backend->SetTime(100, 100);
  for (int i = 0; i < 10'000 && table->size() > 0; ++i) {
    backend->ReclaimExpired();
    driver.Settle();
  }
  EXPECT_EQ(table->size(), 0u);
  driver.records = 0;
  driver.Checkpoint(true);
  EXPECT_EQ(driver.records, 0) << "nothing is left in the store";
}

}  // namespace
}  // namespace weir
