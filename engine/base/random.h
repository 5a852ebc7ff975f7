// Seeded randomness (DESIGN D3): the same seed gives the same sequence on every machine.
#pragma once

#include <cstdint>

namespace weir {

// xoshiro256** seeded through splitmix64 (Blackman and Vigna, public domain algorithm).
// Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  uint64_t Uniform(uint64_t bound) { return Next() % bound; }
  // True with probability n/d.
  bool OneIn(uint64_t n) { return Uniform(n) == 0; }
  double Double() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t s_[4];
};

// A seed from the operating system.
uint64_t SystemSeed();

}  // namespace weir
