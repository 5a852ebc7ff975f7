// The scheduler of production: one thread per slot.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/base/scheduler.h"

namespace weir {

// After Stop the scheduler can be used again, for the next incarnation of the job. One job at a
// time: slot ids are its own.
class ThreadScheduler : public Scheduler {
 public:
  ThreadScheduler() = default;
  ~ThreadScheduler() override { Stop(); }
  ThreadScheduler(const ThreadScheduler&) = delete;
  ThreadScheduler& operator=(const ThreadScheduler&) = delete;

  std::shared_ptr<Waker> WakerFor(int slot) override;
  void Start(int slot, const std::string& name, SlotWork* work) override;
  void Stop() override;

 private:
  class Parking;
  struct Slot {
    std::shared_ptr<Parking> parking;
    std::thread thread;
  };
  Slot& SlotFor(int slot);  // with mutex_ held

  std::mutex mutex_;
  std::map<int, Slot> slots_;
};

}  // namespace weir
