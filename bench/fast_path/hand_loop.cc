// What a good programmer writes in an afternoon for exactly this job: no engine, one thread,
// everything in hash tables, nothing survives a crash.
#include <simdjson.h>

#include <chrono>
#include <deque>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "engine/base/hash.h"
#include "events.h"

namespace weir {

LoopResult RunHandLoop(const std::vector<std::string>& partitions) {
  LoopResult r;
  simdjson::ondemand::parser parser;
  absl::flat_hash_set<uint64_t> seen;
  absl::flat_hash_map<std::string, std::deque<int64_t>> failures;
  absl::flat_hash_set<std::string> quarantined;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text : partitions) {
    std::string padded = text;  // simdjson reads behind the end
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    size_t at = 0;
    while (at < text.size()) {
      const size_t end = text.find('\n', at);
      auto doc = parser.iterate(padded.data() + at, end - at, padded.size() - at);
      at = end + 1;
      auto object = doc.get_object().value();
      const std::string_view host = object["host"].get_string().value();
      const int64_t line = object["line"].get_int64().value();
      const int64_t ts = object["ts"].get_int64().value();
      const std::string_view ip = object["src_ip"].get_string().value();
      const std::string_view user = object["user"].get_string().value();
      const std::string_view kind = object["kind"].get_string().value();
      const std::string_view message = object["message"].get_string().value();
      ++r.events;
      r.text_bytes += static_cast<int64_t>(message.size());  // read like the engine reads it
      if (!seen.insert(HashBytes(host, static_cast<uint64_t>(line))).second) {
        ++r.repeats;
        continue;
      }
      const absl::string_view key(ip.data(), ip.size());
      int64_t count = 0;
      if (kind == "failed") {
        std::deque<int64_t>& times = failures[key];
        times.push_back(ts);
        while (ts - times.front() >= 60'000) times.pop_front();
        count = static_cast<int64_t>(times.size());
      }
      if (quarantined.contains(key)) {
        ++r.blocked;
      } else if (count >= 5 && user == "attacker") {
        quarantined.emplace(key);
        ++r.decisions;
      }
    }
  }
  r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return r;
}

}  // namespace weir
