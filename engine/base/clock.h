// The only way to know the time (DESIGN D3).
#pragma once

#include <cstdint>

namespace weir {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, milliseconds since 1970-01-01 UTC. May jump in either direction.
  virtual int64_t NowMs() const = 0;
  // Monotonic time in nanoseconds from an arbitrary origin; for durations and deadlines.
  virtual int64_t MonoNs() const = 0;
};

class SystemClock : public Clock {
 public:
  int64_t NowMs() const override;
  int64_t MonoNs() const override;
};

// Stands still until told to move. Not thread-safe: for simulation and tests.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 1'790'000'000'000) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_; }
  int64_t MonoNs() const override { return mono_ns_; }
  void AdvanceMs(int64_t ms) {
    now_ms_ += ms;
    mono_ns_ += ms * 1'000'000;
  }

 private:
  int64_t now_ms_;
  int64_t mono_ns_ = 1;
};

}  // namespace weir
