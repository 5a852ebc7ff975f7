// One seed: an input, a configuration, a row of misfortunes; then the invariants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oracle.h"

namespace weir {

struct SeedOptions {
  uint64_t seed = 1;
  bool kafka = false;         // on a simulated broker instead of the directory log
  bool disaster = false;      // with kafka: records are lost, and the job must say so
  std::string bug;            // historical bug to put back ("" = none)
  bool disturb = true;        // crashes, restarts, agent faults
  uint64_t crash_at_hit = 0;  // exhaustive mode: exactly one crash, at this hit
  size_t events = 0;          // 0 = drawn from the seed
  std::string topology;       // path of job.yaml
  std::string dump;           // folder for input and outputs, for a person ("" = none)
};

struct SeedResult {
  std::vector<std::string> problems;  // empty = all invariants hold
  uint64_t trace_hash = 0;
  uint64_t points = 0;  // fail points hit by the first incarnation
  int crashes = 0;
  int store_writes = 0;    // write-backs into the store below the hot tier
  int store_failures = 0;  // incarnations that ended with an error of the disk below the store
  int64_t virtual_ms = 0;
  uint64_t steps = 0;
  std::string config;  // for the reproducing line
};

SeedResult RunSeed(const SeedOptions& options, const std::vector<SshEvent>& all_events);

}  // namespace weir
