// weir_sim: whole jobs under simulation, seed by seed.
//
//   weir_sim --seeds 200              seeds 1..200, each with crashes, delays, losses, torn writes
//   weir_sim --seed 4711 [--dump DIR] one seed; DIR gets its input and outputs
//   weir_sim --exhaustive             one small job, crashed at every single point in turn
//   weir_sim --seeds 200 --kafka      the same on a simulated broker with transactions and faults
//   weir_sim --seeds 200 --twice      each twice: both runs must give the same trace
//   weir_sim --seeds 90 --disaster    there, records are lost: the job must end with its error
//   weir_sim --mutants --seeds 200    historical bugs put back one at a time: each must be caught
//
// Closes with "N passed, N failed". A failure prints the line that reproduces it.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "run_seed.h"

namespace weir {
namespace {

struct Args {
  uint64_t seeds = 0, first = 1, seed = 0;
  bool exhaustive = false, mutants = false, kafka = false, twice = false, disaster = false;
  std::string bug, dump;
  std::string topology = "deploy/jobs/ssh_guard/job.yaml";
  std::string data = "deploy/jobs/ssh_guard/data/0.ndjson";
};

// id, what was wrong; docs/simulation.md says where it was seen.
struct Mutant {
  const char* id;
  const char* text;
  uint64_t first = 1;  // where the search begins: a seed that was known to catch it saves time
};
extern const std::vector<Mutant> kMutants;

int passed = 0, failed = 0;

void Report(const SeedOptions& options, const SeedResult& r) {
  if (r.problems.empty()) {
    ++passed;
    return;
  }
  ++failed;
  std::printf("FAIL seed %llu (%s)\n", static_cast<unsigned long long>(options.seed),
              r.config.c_str());
  for (size_t i = 0; i < r.problems.size() && i < 5; ++i)
    std::printf("  %s\n", r.problems[i].c_str());
  std::printf("  reproduce: weir_sim --seed %llu%s%s%s\n",
              static_cast<unsigned long long>(options.seed),
              options.disaster ? " --disaster"
              : options.kafka  ? " --kafka"
                               : "",
              options.bug.empty() ? "" : " --bug ", options.bug.c_str());
  std::fflush(stdout);
}

void RunSeeds(const Args& args, const std::vector<SshEvent>& events) {
  int64_t virtual_ms = 0, crashes = 0, stored = 0, store_failures = 0;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < args.seeds; ++i) {
    SeedOptions options;
    options.seed = args.first + i;
    options.bug = args.bug;
    options.kafka = args.kafka;
    options.disaster = args.disaster;
    options.topology = args.topology;
    options.dump = args.dump;
    const SeedResult r = RunSeed(options, events);
    virtual_ms += r.virtual_ms;
    crashes += r.crashes;
    stored += r.store_writes;
    store_failures += r.store_failures;
    Report(options, r);
    if (options.disaster && args.seeds == 1) std::printf("%s\n", r.config.c_str());
    // A run must be a function of its seed (I-27): every 20th is run twice.
    if ((args.twice || i % 20 == 0) && RunSeed(options, events).trace_hash != r.trace_hash) {
      ++failed;
      std::printf("FAIL seed %llu: two runs, two traces\n",
                  static_cast<unsigned long long>(options.seed));
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf(
      "%llu seeds, %lld crashes, %lld write-backs and %lld failures of a store, "
      "%.2f simulated hours in %.1f s\n",
      static_cast<unsigned long long>(args.seeds), static_cast<long long>(crashes),
      static_cast<long long>(stored), static_cast<long long>(store_failures),
      static_cast<double>(virtual_ms) / 3.6e6, seconds);
}

// Every point of one small job, one run each (reliability.md 3b.10).
void RunExhaustive(const Args& args, const std::vector<SshEvent>& events) {
  SeedOptions options;
  options.seed = 7;
  options.disturb = false;
  options.events = 25;
  options.topology = args.topology;
  const SeedResult whole = RunSeed(options, events);
  Report(options, whole);
  std::printf("exhaustive: %llu points\n", static_cast<unsigned long long>(whole.points));
  for (uint64_t hit = 1; hit <= whole.points; ++hit) {
    options.crash_at_hit = hit;
    const SeedResult r = RunSeed(options, events);
    Report(options, r);
    if (!r.problems.empty())
      std::printf("  crashed at hit %llu\n", static_cast<unsigned long long>(hit));
  }
}

void RunMutants(const Args& args, const std::vector<SshEvent>& events) {
  for (const Mutant& mutant : kMutants) {
    SeedResult r;
    uint64_t seed = mutant.first;
    for (; seed < mutant.first + args.seeds; ++seed) {
      SeedOptions options;
      options.seed = seed;
      options.bug = mutant.id;
      options.kafka = args.kafka;
      options.topology = args.topology;
      r = RunSeed(options, events);
      if (!r.problems.empty()) break;
    }
    const bool caught = !r.problems.empty();
    (caught ? passed : failed) += 1;
    std::printf("%-8s %-14s %s\n", caught ? "caught" : "SURVIVED", mutant.id, mutant.text);
    if (caught) {
      std::printf("         by seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  r.problems[0].c_str());
    }
    std::fflush(stdout);
  }
}

Args Parse(int argc, char** argv) {
  Args args;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string(); };
    if (arg == "--seeds")
      args.seeds = std::strtoull(value().c_str(), nullptr, 10);
    else if (arg == "--first")
      args.first = std::strtoull(value().c_str(), nullptr, 10);
    else if (arg == "--seed")
      args.seed = std::strtoull(value().c_str(), nullptr, 10);
    else if (arg == "--bug")
      args.bug = value();
    else if (arg == "--dump")
      args.dump = value();
    else if (arg == "--topology")
      args.topology = value();
    else if (arg == "--data")
      args.data = value();
    else if (arg == "--exhaustive")
      args.exhaustive = true;
    else if (arg == "--kafka")
      args.kafka = true;
    else if (arg == "--twice")
      args.twice = true;
    else if (arg == "--disaster")
      args.kafka = args.disaster = true;
    else if (arg == "--mutants")
      args.mutants = true;
    else {
      std::fprintf(stderr, "weir_sim: unknown argument '%s'\n", arg.c_str());
      std::exit(2);
    }
  }
  if (args.seed > 0) args.first = args.seed, args.seeds = 1;
  return args;
}

const std::vector<Mutant> kMutants = {
    {"B-10", "a restore hands key groups to the wrong subtasks"},
    {"B-17", "a source resumes one record behind its cut"},
    {"B-33", "a split's watermark is lost in a restore"},
    {"B-82", "a file is published under its final name before it is synced"},
    {"tail-unread", "a sink does not look at what stands in its topic behind the checkpoint"},
    {"held-lost", "a restore forgets the output that a checkpoint holds (exactly_once)", 120},
    {"B-48", "a sink finishes its snapshot before its writes are durable"},
    {"H-1", "a restored request is asked again without looking into the decision log"},
    {"H-2", "the request id holds what differs between attempts", 200},
    {"H-7", "a doubled reply is handled twice"},
    {"H-10", "waiting events are released before their rule is applied"},
    {"D14", "a rule ignores its origin"},
    {"H-20", "the ledger forgets sooner than its input can repeat"},
    {"store-lost", "an error of the store below the hot tier is ignored", 720},
    {"control-drained", "a stop ends the rule log's source, too"},
    {"erase-not-in-delta", "an erasure is missing from the incremental checkpoint"},
};

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  using namespace weir;
  const Args args = Parse(argc, argv);
  SetLogLevel(args.seeds == 1 ? LogLevel::kWarning : LogLevel::kError);
  const std::vector<SshEvent> events = LoadEvents(args.data);
  if (args.exhaustive) RunExhaustive(args, events);
  if (args.mutants) {
    RunMutants(args, events);
  } else if (args.seeds > 0) {
    RunSeeds(args, events);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
