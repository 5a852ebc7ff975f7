// What the whole-process benchmarks measure alike.
#pragma once

#include <cstdint>
#include <ctime>

#include "engine/base/clock.h"

namespace weir {

// Of the whole process: the threads of libraries too, other processes (a broker) not.
inline double CpuSeconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

struct Figures {
  int64_t records = 0;
  double seconds = 0;
  double cpu_seconds = 0;
};

// `work` returns how many records it has handled.
template <typename Work>
Figures Measure(const Clock& clock, Work work) {
  const int64_t start = clock.MonoNs();
  const double cpu = CpuSeconds();
  const int64_t records = work();
  return {records, static_cast<double>(clock.MonoNs() - start) / 1e9, CpuSeconds() - cpu};
}

}  // namespace weir
