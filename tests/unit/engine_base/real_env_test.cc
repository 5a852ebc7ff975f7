// Real threads: the I/O pool and the slots. Nothing here sleeps; it waits for what must happen.
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <set>
#include <thread>

#include "engine/base/env.h"
#include "engine/base/thread_pool.h"
#include "engine/base/thread_scheduler.h"

namespace weir {
namespace {

TEST(ClockTest, SystemClockMovesForward) {
  const SystemClock clock;
  const int64_t mono = clock.MonoNs();
  EXPECT_GE(clock.MonoNs(), mono);
  EXPECT_GT(clock.NowMs(), 1'700'000'000'000);
}

TEST(ThreadPoolTest, RunsEverythingBeforeItEnds) {
  std::atomic<int> runs{0};
  {
    ThreadPool pool(3);
    for (int i = 0; i < 1000; ++i) {
      pool.Submit([&] {
        ++runs;
        pool.Submit([&] { ++runs; });
      });
    }
  }
  EXPECT_EQ(runs, 2000);
}

TEST(ThreadPoolTest, WorksRunAtTheSameTime) {
  ThreadPool pool(2);
  std::promise<void> a;
  std::promise<void> b;
  std::promise<void> done;
  pool.Submit([&] {
    a.set_value();
    b.get_future().wait();
    done.set_value();
  });
  pool.Submit([&] {
    a.get_future().wait();
    b.set_value();
  });
  done.get_future().wait();
}

// The gap is wide because this thread may be stopped between the two calls.
TEST(ThreadPoolTest, DelayedWorksRunInOrderOfTheirDeadlinesAndNotEarly) {
  const SystemClock clock;
  std::vector<int> order;
  std::promise<void> done;
  ThreadPool pool(1);
  const int64_t start = clock.MonoNs();
  int64_t ran_at = 0;
  pool.SubmitAfter(150, [&] {
    order.push_back(150);
    done.set_value();
  });
  pool.SubmitAfter(2, [&] {
    ran_at = clock.MonoNs();
    order.push_back(2);
  });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{2, 150}));
  EXPECT_GE(ran_at - start, 2'000'000);
}

// The thread that waits for the next deadline may be given other work; another must take over.
TEST(ThreadPoolTest, ALongWorkDoesNotTakeTheTimerWithIt) {
  ThreadPool pool(2);
  std::promise<void> timer_ran;
  std::promise<void> done;
  pool.SubmitAfter(2, [&] { timer_ran.set_value(); });
  pool.Submit([&] {
    timer_ran.get_future().wait();
    done.set_value();
  });
  done.get_future().wait();
}

TEST(ThreadPoolTest, DestructionDropsWhatIsNotDue) {
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  bool ran = false;
  {
    ThreadPool pool(2);
    pool.SubmitAfter(3'600'000, [&ran, owned = std::move(owned)] { ran = true; });
  }
  EXPECT_FALSE(ran);
  EXPECT_TRUE(watch.expired());
}

// Counts how many of the announced numbers it has seen.
struct Consumer : public SlotWork {
  std::atomic<uint64_t> announced{0};
  std::atomic<uint64_t> seen{0};
  int64_t deadline_ns = kNeverNs;
  std::atomic<int> turns{0};

  bool RunTurn() override {
    ++turns;
    // Relaxed on purpose: that the value is visible here is the wake's promise.
    const uint64_t now = announced.load(std::memory_order_relaxed);
    if (now == seen.load(std::memory_order_relaxed)) return false;
    seen.store(now, std::memory_order_release);
    return true;
  }
  int64_t NextDeadlineNs() override { return deadline_ns; }
};

// Ping-pong: each round the slot has nothing to do, and one lost wake hangs the test. The pause
// between rounds varies so that wakes hit the slot while it runs, spins, parks and is parked.
TEST(ThreadSchedulerTest, NoWakeIsLost) {
  ThreadScheduler scheduler;
  Consumer consumer;
  const auto waker = scheduler.WakerFor(0);
  scheduler.Start(0, "consumer", &consumer);
  const SystemClock clock;
  const int64_t end = clock.MonoNs() + 700'000'000;
  for (uint64_t round = 1; clock.MonoNs() < end; ++round) {
    const int64_t pause_until = clock.MonoNs() + static_cast<int64_t>(round * 37 % 4096) * 40;
    while (clock.MonoNs() < pause_until) {
    }
    consumer.announced.store(round, std::memory_order_relaxed);
    waker->Wake();
    const int64_t deadline = clock.MonoNs() + 5'000'000'000;
    while (consumer.seen.load(std::memory_order_acquire) != round) {
      ASSERT_LT(clock.MonoNs(), deadline) << "wake of round " << round << " was lost";
      std::this_thread::yield();
    }
  }
  scheduler.Stop();
}

TEST(ThreadSchedulerTest, ParksWhenThereIsNothingToDo) {
  ThreadScheduler scheduler;
  Consumer consumer;
  const SystemClock clock;
  consumer.deadline_ns = clock.MonoNs() + 3'600'000'000'000;
  scheduler.Start(3, "idle", &consumer);
  const auto waker = scheduler.WakerFor(3);
  consumer.announced = 1;
  waker->Wake();
  while (consumer.seen.load() != 1) std::this_thread::yield();
  const int64_t end = clock.MonoNs() + 20'000'000;
  while (clock.MonoNs() < end) std::this_thread::yield();
  EXPECT_LE(consumer.turns, 5) << "an idle slot must not be called over and over";
  scheduler.Stop();
}

TEST(ThreadSchedulerTest, DeadlineCallsWithoutAWake) {
  struct Timer : public SlotWork {
    SystemClock clock;
    std::atomic<int64_t> due{0};
    std::promise<int64_t> fired;
    bool RunTurn() override {
      if (due == 0) {
        due = clock.MonoNs() + 3'000'000;
      } else if (due != kNeverNs && clock.MonoNs() >= due) {
        fired.set_value(clock.MonoNs() - due);
        due = kNeverNs;
      }
      return false;
    }
    int64_t NextDeadlineNs() override { return due; }
  } timer;
  ThreadScheduler scheduler;
  scheduler.Start(0, "timer", &timer);
  EXPECT_GE(timer.fired.get_future().get(), 0);
  scheduler.Stop();
}

TEST(ThreadSchedulerTest, TrueMeansAgain) {
  struct Busy : public SlotWork {
    int left = 10'000;
    std::promise<void> done;
    bool RunTurn() override {
      if (left == 0) return false;
      if (--left == 0) done.set_value();
      return true;
    }
    int64_t NextDeadlineNs() override { return kNeverNs; }
  } busy;
  ThreadScheduler scheduler;
  scheduler.Start(0, "busy", &busy);
  busy.done.get_future().wait();
  scheduler.Stop();
}

TEST(ThreadSchedulerTest, StopEndsBusySlotsAndStartsAnew) {
  ThreadScheduler scheduler;
  struct Endless : public SlotWork {
    bool RunTurn() override { return true; }
    int64_t NextDeadlineNs() override { return 0; }
  } endless;
  const auto old_waker = scheduler.WakerFor(0);
  scheduler.Start(0, "endless", &endless);
  Consumer idle;
  scheduler.Start(1, "a name that is longer than the kernel takes", &idle);
  scheduler.Stop();
  old_waker->Wake();  // a no-op

  Consumer consumer;
  scheduler.Start(0, "again", &consumer);
  consumer.announced = 1;
  scheduler.WakerFor(0)->Wake();
  while (consumer.seen.load() != 1) std::this_thread::yield();
}

TEST(RealEnvTest, OffersEverything) {
  RealEnv real(1);
  const Env& env = real.env();
  EXPECT_GT(env.clock->NowMs(), 0);
  EXPECT_TRUE(env.fs->Exists("/"));
  std::promise<std::thread::id> ran_on;
  env.io->Submit([&] { ran_on.set_value(std::this_thread::get_id()); });
  EXPECT_NE(ran_on.get_future().get(), std::this_thread::get_id());
  const auto niceness = [] { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); };
  std::promise<int> background;
  env.background->Submit([&] { background.set_value(niceness()); });
  EXPECT_EQ(background.get_future().get(), std::min(19, niceness() + 10));
  ::setenv("WEIR_TEST_VARIABLE", "value", 1);
  EXPECT_EQ(env.variable("WEIR_TEST_VARIABLE"), "value");
  ::unsetenv("WEIR_TEST_VARIABLE");
  EXPECT_EQ(env.variable("WEIR_TEST_VARIABLE"), std::nullopt);
  EXPECT_NE(RealEnv(1).env().seed, env.seed);
}

}  // namespace
}  // namespace weir
