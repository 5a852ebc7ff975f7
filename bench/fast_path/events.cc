#include "events.h"

#include <cstdio>

#include "engine/base/random.h"

namespace weir {

std::vector<std::string> MakeEvents(const EventOptions& o) {
  constexpr int kAttackers = 100;
  constexpr int64_t kStartMs = 1'700'000'000'000;
  Random random(42);
  std::vector<std::string> partitions(o.partitions);
  for (auto& p : partitions) p.reserve(o.events / o.partitions * 240);
  char line[512];
  for (int64_t i = 0; i < o.events; ++i) {
    const bool attacker = random.Uniform(100) < 5;
    const uint64_t key =
        attacker ? random.Uniform(kAttackers) : kAttackers + random.Uniform(o.keys);
    const bool failed = attacker || random.OneIn(4);
    const int n = std::snprintf(
        line, sizeof line,
        "{\"host\":\"ip-10-77-20-%d\",\"line\":%lld,\"ts\":%lld,\"src_ip\":\"10.%d.%d.%d\","
        "\"user\":\"%s\",\"kind\":\"%s\",\"process\":\"sshd\",\"pid\":%d,"
        "\"message\":\"%s password for invalid user admin from 10.%d.%d.%d port %d ssh2\"}\n",
        static_cast<int>(key % 7), static_cast<long long>(i),
        static_cast<long long>(kStartMs + i * 1000 / o.per_second),
        static_cast<int>(key >> 16 & 255), static_cast<int>(key >> 8 & 255),
        static_cast<int>(key & 255), attacker ? "attacker" : "somebody",
        failed ? "failed" : "other", static_cast<int>(random.Uniform(30'000)),
        failed ? "Failed" : "Accepted", static_cast<int>(key >> 16 & 255),
        static_cast<int>(key >> 8 & 255), static_cast<int>(key & 255),
        static_cast<int>(random.Uniform(65'000)));
    std::string& out = partitions[key % o.partitions];
    out.append(line, n);
    if (random.Uniform(100) < 2) out.append(line, n);
  }
  return partitions;
}

}  // namespace weir
