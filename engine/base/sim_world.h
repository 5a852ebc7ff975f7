// A whole world on one thread for deterministic simulation (DESIGN D3, reliability.md 3b): clock,
// files, executor and scheduler. Everything that happens next is picked by one seeded generator, so
// a run is a function of its seed.
//
//   SimWorld world(seed);
//   auto job = StartJob(world.env());
//   world.points().CrashAtHit(17);
//   if (world.Run([&] { return job->done(); }, 100'000) == SimEnd::kCrashed) {
//     job.reset();      // what it still does in its destructors reaches no disk
//     world.Crash();    // power loss: unsynced writes go, a new job may start
//     job = StartJob(world.env());
//   }
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/random.h"
#include "engine/base/sim_fail_points.h"
#include "engine/base/sim_file_system.h"

namespace weir {

// In which order runnable slots and works take their turns. In each there is a small chance of any,
// so that nothing waits for ever.
enum class SimOrder { kUniform, kStarveOne, kFifo, kLifo, kPriorities };

struct SimOptions {
  int64_t start_ms = 1'790'000'000'000;
  int64_t step_ns_max = 20'000;       // virtual time that one step takes, at most
  int64_t io_delay_us_max = 2'000;    // extra delay of a work; one in 32 takes up to 50 times that
  int64_t timer_late_us_max = 1'000;  // how late an idle world wakes, at most
  std::optional<SimOrder> order;      // drawn from the seed when not set
  SimFaults faults;
  std::map<std::string, std::string> variables;
};

enum class SimEnd { kDone, kCrashed, kIdle, kStepLimit };

// At most one lives at a time: its fail points are the process's. Destroy what uses env() first.
class SimWorld : private Clock, private Executor, private Scheduler {
 public:
  explicit SimWorld(uint64_t seed, SimOptions options = {});
  ~SimWorld() override;
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  const Env& env() const { return env_; }
  SimFileSystem& fs() { return fs_; }
  SimFailPoints& points() { return points_; }
  Random& random() { return random_; }

  // Runs one thing: a turn of a slot or an I/O work. If none is runnable, virtual time first moves
  // to the next deadline. False when nothing is left at all, or when the process has crashed.
  bool Step();
  // Steps until `done` (asked before each step) or there is another reason to end.
  SimEnd Run(const std::function<bool()>& done, uint64_t max_steps);

  // True from a crash point until Crash(). Ask it also after calling a job from outside of a step.
  bool crashed() const { return points_.crashed(); }
  // Ends the process here and now, or completes what a crash point began: all slots, works and
  // timers are gone and the disk has lost what it may lose. Not from within a step: there use
  // points().CrashNow().
  void Crash();

  void AdvanceMs(int64_t ms) { now_ns_ += ms * 1'000'000; }
  void JumpWallMs(int64_t delta_ms) { wall_offset_ms_ += delta_ms; }  // monotonic time goes on

  // Equal for equal seeds; different as soon as one choice, time or point differs.
  uint64_t trace_hash() const { return trace_; }
  void NoteTrace(std::string_view note);
  // The last choices and notes, for a message about a failed run.
  std::string RecentTrace() const;
  uint64_t steps() const { return steps_; }
  SimOrder order() const { return order_; }

 private:
  class SlotWaker;
  struct Slot {
    std::string name;
    SlotWork* work;
    std::shared_ptr<SlotWaker> waker;
    int64_t deadline_ns;
    uint64_t priority;
  };
  struct Work {
    int64_t due_ns;
    uint64_t since;
    uint64_t priority;
    std::function<void()> run;
  };
  struct Choice {
    bool is_slot;
    uint64_t id;
    uint64_t since;  // when it became runnable, as a count of such events
    uint64_t priority;
  };

  int64_t NowMs() const override;
  int64_t MonoNs() const override { return now_ns_; }
  void Submit(std::function<void()> work) override { SubmitAfter(0, std::move(work)); }
  void SubmitAfter(int64_t delay_ms, std::function<void()> work) override;
  std::shared_ptr<Waker> WakerFor(int slot) override;
  void Start(int slot, const std::string& name, SlotWork* work) override;
  void Stop() override;

  std::vector<Choice> Runnable();
  bool AdvanceToNextDeadline();
  Choice Pick(const std::vector<Choice>& choices);
  Choice PickStarving(const std::vector<Choice>& choices);
  Choice PickByPriority(const std::vector<Choice>& choices);
  void RunSlot(int id);
  void RunWork(uint64_t id);
  void DropWorks();
  void Mix(uint64_t value);
  void Remember(std::string text);

  const SimOptions options_;
  Random random_;
  SimOrder order_;
  SimFileSystem fs_;
  SimFailPoints points_;
  Env env_;
  int64_t now_ns_ = 1;
  int64_t wall_offset_ms_ = 0;
  // Counts what becomes runnable; shared with wakers, which may outlive the world.
  std::shared_ptr<uint64_t> events_ = std::make_shared<uint64_t>(0);
  std::map<int, std::shared_ptr<SlotWaker>> wakers_;
  std::map<int, Slot> slots_;
  std::map<uint64_t, Work> works_;
  uint64_t next_work_ = 0;
  uint64_t victim_ = 0;
  int running_slot_ = -1;
  bool in_step_ = false;
  uint64_t steps_ = 0;
  uint64_t trace_ = 0;
  std::deque<std::string> recent_;
};

}  // namespace weir
