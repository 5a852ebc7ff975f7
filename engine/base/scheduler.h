// Slots: one thread each, running cooperative work (DESIGN D2). The simulated scheduler runs all
// slots of all "threads" on one thread in an order drawn from a seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace weir {

inline constexpr int64_t kNeverNs = INT64_MAX;

// The work of one slot. Called by one thread only.
class SlotWork {
 public:
  virtual ~SlotWork() = default;
  // Does a bounded amount of work. Returns true if anything was done and there may be more.
  virtual bool RunTurn() = 0;
  // When (monotonic ns) RunTurn must be called again even without a Wake; kNeverNs = on wake only.
  virtual int64_t NextDeadlineNs() = 0;
};

// Wakes a slot. Thread-safe, cheap when the slot is awake, valid after the slot has ended.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void Wake() = 0;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // A waker for a slot that will be started under this id. Ids are 0, 1, 2, ...
  virtual std::shared_ptr<Waker> WakerFor(int slot) = 0;
  // Starts running `work` (not owned; must outlive Stop) on slot `slot`.
  virtual void Start(int slot, const std::string& name, SlotWork* work) = 0;
  // Ends all slots after their current turn and waits for them. Wakers become no-ops.
  virtual void Stop() = 0;
};

}  // namespace weir
