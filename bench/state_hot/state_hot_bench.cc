// Hot tier against a bare absl::flat_hash_map: one keyed counter, update or insert. Items are
// updates; `prefetch` runs batches of 256 as a task does.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/core/state.h"
#include "state/hot/hot_backend.h"

namespace weir {
namespace {

constexpr size_t kBatch = 256;

// Canonical int64 keys, drawn uniformly; their bytes lie in order of use, as in a batch.
struct Workload {
  explicit Workload(size_t key_count) {
    Random random(42);
    for (size_t i = 0; i < kUses; ++i) PutBigEndian64(&bytes, random.Uniform(key_count) * 7919);
    keys.reserve(kUses);
    for (size_t i = 0; i < kUses; ++i) {
      const std::string_view key(bytes.data() + i * 8, 8);
      const uint64_t hash = HashBytes(key);
      keys.push_back(StateKey{static_cast<uint16_t>(hash % 128), hash, key, {}});
    }
  }
  static constexpr size_t kUses = size_t{1} << 20;
  std::string bytes;
  std::vector<StateKey> keys;
};

const Workload& WorkloadOf(int64_t key_count) {
  static const Workload small(10'000);
  static const Workload large(1'000'000);
  return key_count == 10'000 ? small : large;
}

StateTable* OpenCounter(HotStateBackend* backend, int64_t ttl_ms) {
  StateDescriptor descriptor;
  descriptor.name = "count";
  descriptor.type_name = "int";
  descriptor.ops = ValueOpsFor<int64_t>();
  if (ttl_ms > 0) descriptor.ttl = {StateTtl::Domain::kProcessingTime, ttl_ms, false};
  return backend->OpenTable(descriptor).value();
}

void Update(StateTable* table, const StateKey& key) {
  bool created;
  *static_cast<int64_t*>(table->FindOrCreate(key, &created)) += 1;
}

void BM_HotTable(benchmark::State& state) {
  const Workload& work = WorkloadOf(state.range(0));
  const bool prefetch = state.range(1) != 0;
  SystemClock clock;
  HotStateBackend backend(&clock);
  backend.SetTime(1000, 1000);
  StateTable* table = OpenCounter(&backend, state.range(2));
  for (const StateKey& key : work.keys) Update(table, key);
  size_t at = 0;
  for (auto _ : state) {
    const std::span<const StateKey> batch(&work.keys[at], kBatch);
    if (prefetch) table->Prefetch(batch);
    for (const StateKey& key : batch) Update(table, key);
    at = (at + kBatch) % Workload::kUses;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
  state.counters["bytes_per_key"] =
      static_cast<double>(table->memory_bytes()) / static_cast<double>(table->size());
}
BENCHMARK(BM_HotTable)
    ->ArgNames({"keys", "prefetch", "ttl_ms"})
    ->ArgsProduct({{10'000, 1'000'000}, {0, 1}, {0, 3'600'000}});

// A sealed epoch every `seal_every` updates, serialised in slices between batches.
void BM_HotTableSealing(benchmark::State& state) {
  const Workload& work = WorkloadOf(state.range(0));
  SystemClock clock;
  HotStateBackend backend(&clock);
  StateTable* table = OpenCounter(&backend, 0);
  for (const StateKey& key : work.keys) Update(table, key);
  backend.Seal(0, false);
  while (!backend.WriteSlice(200'000)) {
  }
  backend.TakeSealed();
  constexpr size_t kSealEvery = 1 << 19;
  size_t at = 0;
  size_t since = 0;
  bool sealing = false;
  int64_t epoch = 0;
  for (auto _ : state) {
    const std::span<const StateKey> batch(&work.keys[at], kBatch);
    table->Prefetch(batch);
    for (const StateKey& key : batch) Update(table, key);
    at = (at + kBatch) % Workload::kUses;
    since += kBatch;
    if (!sealing && since >= kSealEvery) {
      backend.Seal(++epoch, false);
      sealing = true;
      since = 0;
    }
    if (sealing && backend.WriteSlice(200'000)) {
      benchmark::DoNotOptimize(backend.TakeSealed());
      sealing = false;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK(BM_HotTableSealing)->ArgName("keys")->Arg(10'000)->Arg(1'000'000);

void BM_FlatHashMap(benchmark::State& state) {
  const Workload& work = WorkloadOf(state.range(0));
  absl::flat_hash_map<std::string, int64_t> map;
  const auto update = [&](const StateKey& key) {
    map[absl::string_view(key.key.data(), key.key.size())] += 1;
  };
  for (const StateKey& key : work.keys) update(key);
  size_t at = 0;
  for (auto _ : state) {
    for (size_t i = at; i < at + kBatch; ++i) update(work.keys[i]);
    at = (at + kBatch) % Workload::kUses;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK(BM_FlatHashMap)->ArgName("keys")->Arg(10'000)->Arg(1'000'000);

void BM_CreateErase(benchmark::State& state) {
  const Workload& work = WorkloadOf(1'000'000);
  SystemClock clock;
  HotStateBackend backend(&clock);
  StateTable* table = OpenCounter(&backend, 0);
  size_t at = 0;
  for (auto _ : state) {
    Update(table, work.keys[at]);
    if (at >= kBatch) table->Erase(work.keys[at - kBatch]);
    at = (at + 1) % Workload::kUses;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CreateErase);

}  // namespace
}  // namespace weir
