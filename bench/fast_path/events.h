// The events that both sides of the comparison read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

struct EventOptions {
  int64_t events = 2'000'000;
  int64_t keys = 10'000;
  int partitions = 2;           // by key, so that each slot reads one
  int64_t per_second = 20'000;  // event time: events for one second
};

// One text per partition, about 235 bytes a line: 5 % are of 100 attackers, 2 % are repeats.
std::vector<std::string> MakeEvents(const EventOptions& options);

// What the hand-written loop counts; both sides must agree.
struct LoopResult {
  int64_t events = 0, repeats = 0, decisions = 0, blocked = 0, text_bytes = 0;
  double seconds = 0;
};

// One thread, the same work on the same bytes, written for this job alone.
LoopResult RunHandLoop(const std::vector<std::string>& partitions);

}  // namespace weir
