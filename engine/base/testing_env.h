// An environment for unit tests: nothing happens unless the test says so.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/env.h"
#include "engine/base/sim_file_system.h"

namespace weir {

// Runs work at once, on the caller; delayed work never.
class InlineExecutor : public Executor {
 public:
  void Submit(std::function<void()> work) override { work(); }
  void SubmitAfter(int64_t delay_ms, std::function<void()> work) override {
    if (delay_ms <= 0) work();
  }
};

// Keeps works until RunPending.
class ManualExecutor : public Executor {
 public:
  explicit ManualExecutor(const Clock* clock) : clock_(clock) {}
  void Submit(std::function<void()> work) override { ready_.push_back(std::move(work)); }
  void SubmitAfter(int64_t delay_ms, std::function<void()> work) override;
  // Runs what is due, and what that submits, in order; returns how many ran.
  size_t RunPending();
  size_t pending() const { return ready_.size() + delayed_.size(); }

 private:
  const Clock* clock_;
  std::deque<std::function<void()>> ready_;
  std::multimap<int64_t, std::function<void()>> delayed_;  // by due time, monotonic ns
};

// Runs slots only in RunTurns.
class ManualScheduler : public Scheduler {
 public:
  explicit ManualScheduler(const Clock* clock) : clock_(clock) {}
  std::shared_ptr<Waker> WakerFor(int slot) override;
  void Start(int slot, const std::string& name, SlotWork* work) override;
  void Stop() override;
  // One turn for each slot that was started, woken, had more to do or has reached its deadline, in
  // the order of their ids; returns how many turns.
  size_t RunTurns();

 private:
  struct Flag : public Waker {
    void Wake() override { awake = true; }
    bool awake = false;
  };
  struct Slot {
    SlotWork* work;
    std::shared_ptr<Flag> flag;
    int64_t deadline_ns;
  };
  const Clock* clock_;
  std::map<int, std::shared_ptr<Flag>> flags_;
  std::map<int, Slot> slots_;
};

class TestEnv {
 public:
  TestEnv();
  const Env& env() const { return env_; }

  ManualClock clock;
  SimFileSystem fs;
  ManualExecutor io{&clock};
  ManualScheduler scheduler{&clock};
  std::map<std::string, std::string> variables;

  // I/O works that are due; see ManualExecutor.
  size_t RunPending() { return io.RunPending(); }
  // Works and turns in alternation until neither is left for the present time. Fails hard when that
  // does not end.
  size_t RunUntilIdle();
  void AdvanceMs(int64_t ms) { clock.AdvanceMs(ms); }

 private:
  Env env_;
};

}  // namespace weir
