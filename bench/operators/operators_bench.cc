// What the built-in keyed operators cost per row on the memory backend. Keys are assigned outside
// of the clock, as the exchange does it; every id is new, every row counts.
//
//   build/release/bin/bench/bench_operators
#include <benchmark/benchmark.h>

#include <ctime>

#include "agent/ledger.h"
#include "engine/base/random.h"
#include "operators/aggregate/running_count.h"
#include "operators/aggregate/sliding_count.h"
#include "tests/unit/operators_aggregate/operator_rig.h"

namespace weir {
namespace {

constexpr int64_t kStartMs = 1'490'000'000'000;

// Events of random addresses, one a millisecond of event time.
class Events {
 public:
  explicit Events(int64_t keys) : keys_(keys) {}
  RecordBatch Next(int64_t rows) {
    std::vector<Event> events;
    for (int64_t i = 0; i < rows; ++i) {
      const uint64_t k = random_.Uniform(static_cast<uint64_t>(keys_));
      const std::string address = "10." + std::to_string(k >> 16) + "." +
                                  std::to_string(k >> 8 & 255) + "." + std::to_string(k & 255);
      const int64_t n = next_++;
      events.push_back({address, kStartMs + n, "failed", n, "ip-10-77-20-248"});
    }
    return MakeBatch(events);
  }

 private:
  int64_t keys_, next_ = 0;
  Random random_{1};
};

constexpr int64_t kLedgerIds = 250'000;  // that the ledger remembers

constexpr int64_t kWarmUpRows = 1'500'000;

OptionTexts Ledger() {
  return {
      {"key", {"src_ip"}}, {"id", {"host", "line"}}, {"ttl", {std::to_string(kLedgerIds) + "ms"}}};
}
OptionTexts Sliding() {
  return {{"key", {"src_ip"}},
          {"where", {"kind in ['failed', 'invalid_user']"}},
          {"window", {"600s"}},
          {"allowed_lateness", {"31d"}},
          {"cap", {"100"}}};  // so that the rings of 10,000 keys are full when the clock starts
}
OptionTexts Running() {
  return {{"key", {"src_ip"}}, {"where", {"kind == 'accepted'"}}, {"as", {"accepted"}}};
}

// CPU time of this thread: what a row costs does not depend on what else the machine does.
double CpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Runs batches through the rigs one after the other; reports nanoseconds per row.
void Run(benchmark::State& state, const std::vector<OperatorRig*>& rigs) {
  Events events(state.range(0));
  const int64_t rows = state.range(1);
  const auto process = [&](RecordBatch batch) {
    for (OperatorRig* rig : rigs) {
      rig->now_ms += rows;  // an id a millisecond
      rig->ProcessKeyed(std::move(batch));
      for (int64_t i = 0; i < rows; i += 32) rig->backend()->ReclaimExpired();  // 4 blocks a row
      batch = std::move(rig->emitted().back());
      rig->emitted().clear();
    }
    benchmark::DoNotOptimize(batch.rows());
  };
  const auto next = [&] {
    RecordBatch batch = events.Next(rows);
    rigs[0]->AssignKey(&batch);
    return batch;
  };
  for (int64_t done = 0; done < kWarmUpRows; done += rows) {
    process(next());
  }
  for (auto _ : state) {
    RecordBatch batch = next();
    const double begin = CpuSeconds();
    process(std::move(batch));
    state.SetIterationTime(CpuSeconds() - begin);
  }
  state.counters["ns_per_row"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Chained rigs: the next one's input has one more column.
SchemaPtr OutputOf(const OperatorRig& rig) { return rig.plan().outputs[0].schema; }

void BM_Ledger(benchmark::State& state) {
  OperatorRig ledger(MakeIdempotencyLedgerType(), Ledger());
  Run(state, {&ledger});
}
void BM_SlidingCount(benchmark::State& state) {
  OperatorRig sliding(MakeSlidingCountType(), Sliding());
  Run(state, {&sliding});
}
void BM_RunningCount(benchmark::State& state) {
  OperatorRig running(MakeRunningCountType(), Running());
  Run(state, {&running});
}
void BM_LedgerSliding(benchmark::State& state) {
  OperatorRig ledger(MakeIdempotencyLedgerType(), Ledger());
  OperatorRig sliding(MakeSlidingCountType(), Sliding());
  Run(state, {&ledger, &sliding});
}
void BM_MainJobChain(benchmark::State& state) {
  OperatorRig ledger(MakeIdempotencyLedgerType(), Ledger());
  OperatorRig sliding(MakeSlidingCountType(), Sliding());
  OperatorRig running(MakeRunningCountType(), Running(), {OutputOf(sliding)});
  Run(state, {&ledger, &sliding, &running});
}

void Sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"keys", "rows"})->UseManualTime();
  b->Args({10'000, 1024})->Args({10'000, 1})->Args({1'000'000, 1024});
}
BENCHMARK(BM_Ledger)->Apply(Sizes);
BENCHMARK(BM_SlidingCount)->Apply(Sizes);
BENCHMARK(BM_RunningCount)->Apply(Sizes);
BENCHMARK(BM_LedgerSliding)->Apply(Sizes);
BENCHMARK(BM_MainJobChain)->Apply(Sizes);

}  // namespace
}  // namespace weir
