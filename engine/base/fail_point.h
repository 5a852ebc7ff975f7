// Named points at which the simulator may crash the process, and planted bugs that prove that the
// simulator's oracle can see (reliability.md 3b.9, 3b.10). Both cost one pointer test in
// production.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "engine/base/status.h"

namespace weir {

// Installed by the simulator and by the kill loop (WEIR_KILL_AT). Thread-safe if threads are used.
class FailPoints {
 public:
  virtual ~FailPoints() = default;
  // The process reaches `point`; a simulated crash freezes its disk and network from here on, a
  // real one does not return.
  virtual void Hit(std::string_view point) = 0;
  // True if the historical bug `id` (docs/simulation.md) is to be put back for this run.
  virtual bool Bug(std::string_view id) const = 0;
};

namespace internal {
inline std::atomic<FailPoints*> fail_points{nullptr};
}  // namespace internal

// Null outside of simulation. Set before any slot starts, reset after all have stopped.
inline FailPoints* GetFailPoints() { return internal::fail_points.load(std::memory_order_acquire); }
inline void SetFailPoints(FailPoints* points) {
  internal::fail_points.store(points, std::memory_order_release);
}

// The kill loop's: the process sends itself SIGKILL when `spec` ("point" or "point:hit", hits count
// from 1) comes true. `spec` is the value of WEIR_KILL_AT.
StatusOr<std::unique_ptr<FailPoints>> NewKillPoints(std::string_view spec);

}  // namespace weir

#define WEIR_SIM_POINT(name)                                       \
  do {                                                             \
    if (auto* weir_points_ = ::weir::GetFailPoints()) [[unlikely]] \
      weir_points_->Hit(name);                                     \
  } while (0)
#define WEIR_PLANTED_BUG(id) \
  (::weir::GetFailPoints() != nullptr && ::weir::GetFailPoints()->Bug(id))
