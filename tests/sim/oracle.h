// The ssh_guard novelty rule as a plain loop over the input, written without any of the engine:
// what every run, however it is disturbed, must come to.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace weir {

struct SshEvent {
  std::string host;
  int64_t line = 0;
  int64_t ts = 0;
  std::string src_ip;  // "" = null
  std::string kind;
  std::string json;  // the record as it stands in the log
};

// (line, ts, src_ip)
using EventId = std::tuple<int64_t, int64_t, std::string>;

struct Expected {
  std::set<EventId> decisions;
  std::set<EventId> blocked;
  std::set<EventId> late;
  // Per address: the blocked lines in the order of arrival.
  std::map<std::string, std::vector<int64_t>> order;
};

// Events in arrival order per address; repeats of (host, line) are ignored, as the ledger does.
// With `judge_late` the list is the whole of one partition in order: then an event whose window
// lies behind the watermark (the largest time so far, less 5 s and 1 ms) is late and does not
// count.
Expected RunOracle(const std::vector<SshEvent>& events, bool judge_late);

// All events of the shipped data file.
std::vector<SshEvent> LoadEvents(const std::string& path);

}  // namespace weir
