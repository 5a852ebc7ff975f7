// What a seed draws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/sim_file_system.h"
#include "oracle.h"
#include "run_seed.h"
#include "sim_agent.h"

namespace weir {

// Of the rocksdb backend, on the simulated disk.
inline constexpr const char* kStoreDir = "/weir/store";

// What a seed decides before anything runs.
struct Scenario {
  std::vector<std::vector<std::string>> partitions;  // input lines
  std::vector<SshEvent> arrival;  // for the oracle; per-address order is what counts
  int poison = 0;
  std::vector<int> parallelism;   // of each incarnation, cyclic
  bool exactly_once = false;      // delivery of decisions, blocked and late
  std::vector<uint64_t> crashes;  // hit at which each incarnation dies
  int64_t interval_ms = 1000;
  std::string order = "key";
  bool late = false;    // one partition, events far behind the others, no allowance for them
  bool follow = false;  // input arrives while the job runs; then it is stopped and ends its work
  SimAgentOptions agent;
  bool rocksdb = false;
  // Of the disk below the store, in so many incarnations from the first.
  SimFaults store_faults;
  size_t faulty_lives = 0;
};

// `random` goes on to serve the run.
Scenario DrawScenario(const SeedOptions& options, const std::vector<SshEvent>& all, Random* random);

}  // namespace weir
