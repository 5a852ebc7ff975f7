// How long an event takes from the moment it is due in the topic to the operator behind the agent
// loop, at a fixed rate. An event that is written late because the writer was held up counts from
// when it was due, so nothing is omitted.
#pragma once

#include <cstdint>
#include <string>

#include "events.h"

namespace weir {

struct LatencyArgs {
  int64_t rate = 0;  // events/s
  int64_t seconds = 20;
  int slots = 2;
};

// Prints the histogram. `root` is an empty folder to work in.
int RunLatency(const LatencyArgs& args, const EventOptions& events, const std::string& root);

}  // namespace weir
