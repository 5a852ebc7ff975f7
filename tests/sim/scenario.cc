#include "scenario.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

std::vector<SshEvent> Choose(const std::vector<SshEvent>& all, size_t target, Random* random) {
  std::vector<std::string> addresses;
  for (const SshEvent& e : all) {
    if (!e.src_ip.empty()) addresses.push_back(e.src_ip);
  }
  std::set<std::string> chosen;
  size_t estimate = 0;
  while (estimate < target) {  // by event, so busy addresses come first: attackers
    const std::string& ip = addresses[random->Uniform(addresses.size())];
    if (chosen.insert(ip).second) {
      estimate += std::count(addresses.begin(), addresses.end(), ip);
    }
  }
  std::vector<SshEvent> events;
  for (const SshEvent& e : all) {
    if (e.src_ip.empty() ? random->OneIn(80) : chosen.count(e.src_ip) > 0) events.push_back(e);
  }
  return events;
}

// Copies of events as if another host had sent them hours late.
void AddLate(std::vector<SshEvent>* events, Random* random) {
  std::vector<SshEvent> mixed;
  for (const SshEvent& e : *events) {
    mixed.push_back(e);
    if (!random->OneIn(12)) continue;
    SshEvent late = (*events)[random->Uniform(events->size())];
    late.host = "late";
    late.line = 1'000'000 + static_cast<int64_t>(mixed.size());
    late.ts = e.ts - static_cast<int64_t>(random->Uniform(3'600'000));
    late.json = absl::StrCat(
        "{\"host\":\"late\",\"line\":", late.line, ",\"ts\":", late.ts,
        ",\"src_ip\":", late.src_ip.empty() ? "null" : absl::StrCat("\"", late.src_ip, "\""),
        ",\"kind\":\"", late.kind, "\",\"message\":\"m\"}");
    mixed.push_back(late);
  }
  *events = std::move(mixed);
}

void DrawStore(const SeedOptions& options, Scenario* s) {
  s->rocksdb = options.seed % 3 == 0;
  Random random(options.seed * 2 + 5);
  if (!s->rocksdb || !options.disturb || random.OneIn(3)) return;
  s->faulty_lives = 1 + random.Uniform(4);
  SimFaults& faults = s->store_faults;
  double* const kinds[] = {&faults.read_error, &faults.write_error, &faults.no_space,
                           &faults.bit_flip};
  *kinds[random.Uniform(4)] = 1.0 / static_cast<double>(uint64_t{4} << random.Uniform(7));
  // Of half the seeds only what holds entries, or few stores would ever get as far as that.
  // RocksDB 7.8.3 does not survive an error at the last entry of a file that it takes in: Debian's
  // build checks itself, and the process ends. In a simulation that would be the simulator.
  faults.reads_right = "/in-";
  faults.errors_in = faults.bit_flip_in = random.OneIn(2) ? kStoreDir : ".sst";
}

}  // namespace

Scenario DrawScenario(const SeedOptions& options, const std::vector<SshEvent>& all,
                      Random* random) {
  static const char* kPoison[] = {"{",
                                  "[1,2]",
                                  "{\"line\": 1}",
                                  "nonsense",
                                  "{\"host\":\"h\",\"line\":\"x\",\"ts\":1,\"kind\":\"k\","
                                  "\"message\":\"\"}",
                                  "{\"host\":\"h\",\"line\":1,\"ts\":253370764800000,"
                                  "\"kind\":\"k\",\"message\":\"\"}"};
  Scenario s;
  const size_t target = options.events > 0 ? options.events : 60 + random->Uniform(240);
  s.arrival = Choose(all, target, random);
  s.late = random->OneIn(3);
  if (s.late) AddLate(&s.arrival, random);
  s.partitions.resize(s.late ? 1 : 1 + random->Uniform(3));
  s.follow = options.disturb && random->OneIn(3);
  const bool doubled = !s.late && random->OneIn(3);
  for (int round = 0; round < (doubled ? 2 : 1); ++round) {
    for (const SshEvent& e : s.arrival) {
      auto& lines = s.partitions[HashBytes(e.src_ip) % s.partitions.size()];
      lines.push_back(e.json);
      if (random->OneIn(10)) lines.push_back(e.json);
      if (random->OneIn(40)) {
        lines.emplace_back(kPoison[random->Uniform(6)]);
        ++s.poison;
      }
    }
  }
  for (int i = 0; i < 3; ++i) s.parallelism.push_back(1 + static_cast<int>(random->Uniform(4)));
  s.interval_ms =
      10 + static_cast<int64_t>(random->Uniform(uint64_t{1} << (1 + random->Uniform(9))));
  const char* orders[] = {"key", "global", "none"};
  s.order = orders[random->Uniform(3)];
  s.agent.delay_max_ms = random->OneIn(2) ? 5 : 4000;
  if (options.disturb) {
    s.agent.lost = random->OneIn(3) ? 0.2 : 0;
    s.agent.doubled = random->OneIn(2) ? 0.3 : 0;
    for (uint64_t n = random->Uniform(7); n > 0; --n) {
      s.crashes.push_back(1 + random->Uniform(uint64_t{1} << (4 + random->Uniform(8))));
    }
  }
  s.exactly_once = Random(options.seed * 2).OneIn(3);
  DrawStore(options, &s);
  if (options.crash_at_hit > 0) s.crashes = {options.crash_at_hit};
  return s;
}

}  // namespace weir
