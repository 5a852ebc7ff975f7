// bench_fast_path: the engine's fast path beside a hand-written loop over the same bytes, in one
// run.
//
//   bench_fast_path [--events N] [--keys K] [--pairs P] [--checkpoint-ms MS] [--slots S]
//   [--engine-only] [--recover] [--backend memory|rocksdb] [--hot-bytes BYTES]
//   bench_fast_path --latency RATE [--seconds N]    how old events are at RATE events/s
//
// Prints events/s, CPU ns per event and the ratio of each pair, then medians. Both sides must agree
// on what they counted before any figure is printed.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "bench/measure.h"
#include "engine/base/env.h"
#include "engine/base/log.h"
#include "engine/cli/commands.h"
#include "engine/cli/summary.h"
#include "engine/job/job.h"
#include "engine/plan/load.h"
#include "events.h"
#include "latency.h"
#include "tests/support/source_dir.h"

namespace weir {
namespace {

struct Args {
  EventOptions events;
  int pairs = 5;
  int slots = 2;
  int64_t checkpoint_ms = 0;
  bool engine_only = false;
  bool recover = false;  // also: how long a second incarnation takes until it reads on
  std::string backend = "memory";
  int64_t hot_bytes = 0;
  LatencyArgs latency;
};

struct EngineResult {
  JobSummary summary;
  double seconds = 0;
  double cpu_seconds = 0;
  double closing_seconds = 0;  // the checkpoint at the end
  int64_t pause_p99_us = 0, pause_max_us = 0, checkpoints = 0, checkpoint_bytes = 0;
};

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

StatusOr<LoadedPlan> Load(const Args& args, const std::string& data, const Registry& registry) {
  PlanSource source;
  source.file = SourceDir() + "/bench/fast_path/job.yaml";
  source.text = ReadText(source.file);
  source.overrides = {"job.parallelism=" + std::to_string(args.slots)};
  if (args.checkpoint_ms > 0) {
    source.overrides.push_back("checkpoints.interval=" + std::to_string(args.checkpoint_ms) + "ms");
  }
  source.overrides.push_back("state.backend=" + args.backend);
  if (args.backend != "memory") source.overrides.push_back("state.dir=" + data + "/state");
  if (args.hot_bytes > 0) {
    source.overrides.push_back("state.hot_bytes=" + std::to_string(args.hot_bytes));
  }
  source.variable = [data](const std::string&) { return data; };
  Diagnostics diagnostics;
  auto plan = LoadPlan(source, registry, &diagnostics);
  std::cerr << diagnostics.Render();
  return plan;
}

// A fresh copy of the job's data: input files are linked, everything else is new.
std::string Prepare(const std::string& root, int run) {
  const std::string data = root + "/run" + std::to_string(run);
  std::filesystem::remove_all(data);
  std::filesystem::create_directories(data + "/log/events");
  for (const auto& file : std::filesystem::directory_iterator(root + "/input")) {
    std::filesystem::create_hard_link(file.path(),
                                      data + "/log/events/" + file.path().filename().string());
  }
  return data;
}

EngineResult RunEngine(const Args& args, const std::string& data, const Registry& registry) {
  RealEnv env(8);  // as `weir run` has it
  auto loaded = Load(args, data, registry);
  if (!loaded.ok()) std::exit(1);
  const int64_t created = env.env().clock->MonoNs();
  JobOptions options;
  options.until_end = true;
  auto job = Job::Create(loaded->plan, registry, env.env(), options);
  if (!job.ok()) {
    std::cerr << FormatError(job.status()) << "\n";
    std::exit(1);
  }
  EngineResult r;
  const double cpu = CpuSeconds();
  const int64_t start = env.env().clock->MonoNs();
  (*job)->Start();
  double drained_cpu = 0;
  while (!(*job)->WaitForMs(2)) {
    if (drained_cpu == 0 && (*job)->drained_ns() > 0) drained_cpu = CpuSeconds();
  }
  // Until the last event has been processed; the closing checkpoint is told apart.
  const int64_t from = (*job)->restored_checkpoint() > 0 ? created : start;
  r.seconds = static_cast<double>((*job)->drained_ns() - from) / 1e9;
  r.cpu_seconds = (drained_cpu > 0 ? drained_cpu : CpuSeconds()) - cpu;
  r.closing_seconds = static_cast<double>(env.env().clock->MonoNs() - (*job)->drained_ns()) / 1e9;
  const Status status = (*job)->Stop();
  if (!status.ok()) {
    std::cerr << FormatError(status) << "\n";
    std::exit(1);
  }
  r.summary = Summarize(*(*job)->metrics());
  const Histogram* pause =
      (*job)->metrics()->GetHistogram("weir_checkpoint_pause_seconds", {{"job", "fast-path"}});
  r.pause_p99_us = pause->Quantile(0.99) / 1000;
  r.pause_max_us = pause->Max() / 1000;
  r.checkpoints = r.summary.checkpoints;
  r.checkpoint_bytes = (*job)->metrics()->Sum("weir_checkpoint_written_bytes_total");
  return r;
}

// A second incarnation on the same data: from its creation until it has looked at its input's end.
double RecoverSeconds(const Args& args, const std::string& data, const Registry& registry) {
  return RunEngine(args, data, registry).seconds;
}

double Median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

void Compare(const EngineResult& e, const LoopResult& h) {
  const bool same = e.summary.events_in == h.events && e.summary.duplicates == h.repeats &&
                    e.summary.escalated == h.decisions;
  if (same && e.summary.answered_by_rule == h.blocked) return;
  std::fprintf(stderr,
               "the two sides differ: events %lld/%lld repeats %lld/%lld decisions %lld/%lld "
               "blocked %lld/%lld\n",
               (long long)e.summary.events_in, (long long)h.events, (long long)e.summary.duplicates,
               (long long)h.repeats, (long long)e.summary.escalated, (long long)h.decisions,
               (long long)e.summary.answered_by_rule, (long long)h.blocked);
  std::exit(1);
}

Args Parse(int argc, char** argv) {
  Args args;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::atoll(argv[++i]) : 0; };
    if (arg == "--events")
      args.events.events = number();
    else if (arg == "--keys")
      args.events.keys = number();
    else if (arg == "--pairs")
      args.pairs = static_cast<int>(number());
    else if (arg == "--slots")
      args.slots = static_cast<int>(number());
    else if (arg == "--checkpoint-ms")
      args.checkpoint_ms = number();
    else if (arg == "--latency")
      args.latency.rate = number();
    else if (arg == "--seconds")
      args.latency.seconds = number();
    else if (arg == "--recover")
      args.recover = true;
    else if (arg == "--backend")
      args.backend = i + 1 < argc ? argv[++i] : "";
    else if (arg == "--hot-bytes")
      args.hot_bytes = number();
    else if (arg == "--engine-only")
      args.engine_only = true;
    else {
      std::fprintf(stderr, "unknown argument '%s'\n", argv[i]);
      std::exit(2);
    }
  }
  return args;
}

int Main(int argc, char** argv) {
  const Args args = Parse(argc, argv);
  SetLogLevel(LogLevel::kWarning);
  const char* tmp = std::getenv("TMPDIR");
  const std::string root =
      std::string(tmp != nullptr ? tmp : "/tmp") + "/weir-bench-" + std::to_string(getpid());
  std::filesystem::create_directories(root + "/input");
  if (args.latency.rate > 0) {
    LatencyArgs latency = args.latency;
    latency.slots = args.slots;
    const int status = RunLatency(latency, args.events, root);
    std::filesystem::remove_all(root);
    return status;
  }
  const std::vector<std::string> partitions = MakeEvents(args.events);
  int64_t bytes = 0;
  for (size_t p = 0; p < partitions.size(); ++p) {
    std::ofstream(root + "/input/" + std::to_string(p) + ".ndjson") << partitions[p];
    bytes += static_cast<int64_t>(partitions[p].size());
  }
  Registry registry;
  WEIR_CHECK(RegisterAll(&registry).ok());
  std::vector<double> rates, cpus, loop_rates, ratios;
  for (int pair = 0; pair < args.pairs; ++pair) {
    const LoopResult h = args.engine_only ? LoopResult{} : RunHandLoop(partitions);
    const EngineResult e = RunEngine(args, Prepare(root, pair), registry);
    const std::string data = root + "/run" + std::to_string(pair);
    if (args.recover) {
      std::printf("checkpoint of %.0f MiB; a new incarnation reads on after %.2f s\n",
                  static_cast<double>(e.checkpoint_bytes) / (1 << 20),
                  RecoverSeconds(args, data, registry));
    }
    std::filesystem::remove_all(data);
    if (!args.engine_only) Compare(e, h);
    const double n = static_cast<double>(e.summary.events_in);
    rates.push_back(n / e.seconds);
    cpus.push_back(e.cpu_seconds * 1e9 / n);
    loop_rates.push_back(args.engine_only ? 1 : n / h.seconds);
    ratios.push_back(rates.back() / loop_rates.back());
    std::printf(
        "pair %d: engine %.0f events/s (%.0f CPU ns/event, %lld checkpoints, pause p99 "
        "%lld us, max %lld us; closing checkpoint %.2f s)",
        pair + 1, rates.back(), cpus.back(), (long long)e.checkpoints, (long long)e.pause_p99_us,
        (long long)e.pause_max_us, e.closing_seconds);
    if (!args.engine_only) {
      std::printf(", hand loop %.0f events/s, ratio %.2f", loop_rates.back(), ratios.back());
    }
    std::printf("\n");
  }
  std::filesystem::remove_all(root);
  std::printf("median: engine %.0f events/s on %d slots, %.0f CPU ns/event", Median(rates),
              args.slots, Median(cpus));
  if (!args.engine_only) {
    std::printf("; hand loop %.0f events/s on 1 thread; ratio %.2f", Median(loop_rates),
                Median(ratios));
  }
  std::printf(" (%lld events, %lld keys, %.0f bytes/event)\n", (long long)args.events.events,
              (long long)args.events.keys,
              static_cast<double>(bytes) / static_cast<double>(args.events.events));
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
