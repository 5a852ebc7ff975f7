#include "oracle.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "engine/model/value.h"

namespace weir {

Expected RunOracle(const std::vector<SshEvent>& events, bool judge_late) {
  constexpr int64_t kWindowMs = 600'000;
  Expected out;
  std::set<std::pair<std::string, int64_t>> seen;
  std::set<std::string> quarantined, logged_in;
  std::map<std::string, std::vector<int64_t>> failures;
  int64_t newest = 0;
  for (const SshEvent& e : events) {
    const int64_t watermark = newest - 5'000 - 1;
    newest = std::max(newest, e.ts);
    if (!seen.emplace(e.host, e.line).second) continue;
    const EventId id{e.line, e.ts, e.src_ip};
    const bool late = judge_late && e.ts + kWindowMs <= watermark;
    if (late) out.late.insert(id);
    if (e.src_ip.empty()) continue;
    if (quarantined.count(e.src_ip) > 0) {
      out.blocked.insert(id);
      out.order[e.src_ip].push_back(e.line);
      continue;
    }
    if (e.kind == "accepted") logged_in.insert(e.src_ip);
    if (late || (e.kind != "failed" && e.kind != "invalid_user")) continue;
    failures[e.src_ip].push_back(e.ts);
    int inside = 0;
    for (const int64_t t : failures[e.src_ip]) inside += std::llabs(e.ts - t) < kWindowMs ? 1 : 0;
    if (inside >= 5 && logged_in.count(e.src_ip) == 0) {
      quarantined.insert(e.src_ip);
      out.decisions.insert(id);
    }
  }
  return out;
}

std::vector<SshEvent> LoadEvents(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::cerr << "cannot read " << path << "\n";
    std::exit(2);
  }
  std::vector<SshEvent> events;
  std::string line;
  while (std::getline(file, line)) {
    const auto v = ParseJson(line);
    if (!v.ok()) continue;
    SshEvent e;
    e.host = v->Get("host")->string_value();
    e.line = v->Get("line")->int_value();
    e.ts = v->Get("ts")->int_value();
    e.kind = v->Get("kind")->string_value();
    if (!v->Get("src_ip")->is_null()) e.src_ip = v->Get("src_ip")->string_value();
    e.json = line;
    events.push_back(std::move(e));
  }
  return events;
}

}  // namespace weir
