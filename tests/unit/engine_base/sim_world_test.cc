#include "engine/base/sim_world.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/base/mailbox.h"

namespace weir {
namespace {

// A small job: each slot counts to a limit. For each number it appends a line to its file by way of
// the executor, and counts on when the answer is in its mailbox.
class CountingSlot : public SlotWork {
 public:
  CountingSlot(const Env& env, int id, int limit)
      : env_(env), path_(absl::StrCat("slot-", id)), limit_(limit) {
    mailbox_.emplace(env.scheduler->WakerFor(id));
    next_ = Recover();
    env.scheduler->Start(id, path_, this);
  }

  bool RunTurn() override {
    if (mailbox_->RunAll() > 0) return true;
    if (done() || in_flight_) return false;
    in_flight_ = true;
    // The work outlives the slot's death: it holds copies and a handle only.
    env_.io->Submit([fs = env_.fs, path = path_, n = next_, this, reply = mailbox_->handle()] {
      auto file = fs->OpenAppend(path).value();
      const std::string line = absl::StrCat(n, "\n");
      Status status = file->Append(line);
      if (status.ok()) status = file->Sync();
      if (status.ok()) status = fs->SyncDir(".");
      reply.Post([this, status] {
        in_flight_ = false;
        if (status.ok()) ++next_;
      });
    });
    return true;
  }
  int64_t NextDeadlineNs() override { return kNeverNs; }
  bool done() const { return next_ == limit_; }

  // Drops a torn last line and goes on after the last whole number.
  int Recover() {
    const StatusOr<std::string> text = env_.fs->ReadFile(path_);
    if (!text.ok()) return 0;
    size_t whole = 0;
    int next = 0;
    for (size_t end; (end = text->find('\n', whole)) != std::string::npos; whole = end + 1) {
      if (text->substr(whole, end - whole) != absl::StrCat(next)) break;
      ++next;
    }
    EXPECT_TRUE(env_.fs->Truncate(path_, whole).ok());
    return next;
  }

 private:
  const Env& env_;
  const std::string path_;
  const int limit_;
  std::optional<Mailbox> mailbox_;
  int next_ = 0;
  bool in_flight_ = false;
};

struct Job {
  Job(const Env& env, int slots, int limit) : scheduler(env.scheduler) {
    for (int i = 0; i < slots; ++i) work.push_back(std::make_unique<CountingSlot>(env, i, limit));
  }
  ~Job() { scheduler->Stop(); }
  bool done() const {
    for (const auto& slot : work) {
      if (!slot->done()) return false;
    }
    return true;
  }
  Scheduler* scheduler;
  std::vector<std::unique_ptr<CountingSlot>> work;
};

constexpr uint64_t kMaxSteps = 20'000;
constexpr int kLimit = 5;

std::string Expected() {
  std::string text;
  for (int i = 0; i < kLimit; ++i) absl::StrAppend(&text, i, "\n");
  return text;
}

uint64_t TraceOf(uint64_t seed, SimOrder order) {
  SimOptions options;
  options.order = order;
  SimWorld world(seed, options);
  Job job(world.env(), 3, kLimit);
  EXPECT_EQ(world.Run([&] { return job.done(); }, kMaxSteps), SimEnd::kDone) << world.RecentTrace();
  return world.trace_hash();
}

TEST(SimWorldTest, SameSeedSameTraceDifferentSeedDifferentTrace) {
  std::set<uint64_t> traces;
  for (int order = 0; order < 5; ++order) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const uint64_t trace = TraceOf(seed, static_cast<SimOrder>(order));
      EXPECT_EQ(TraceOf(seed, static_cast<SimOrder>(order)), trace);
      traces.insert(trace);
    }
  }
  EXPECT_EQ(traces.size(), 50u);
}

TEST(SimWorldTest, EverySeedDrawsAnOrder) {
  std::set<SimOrder> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) orders.insert(SimWorld(seed).order());
  EXPECT_EQ(orders.size(), 5u);
}

// The crash matrix: kill the job at each point it reaches, restart it, and compare.
TEST(SimWorldTest, CrashAtEveryPointAndRecover) {
  uint64_t crashes = 0;
  for (uint64_t k = 1; k < 1000; ++k) {
    SimWorld world(k);
    world.points().CrashAtHit(k);
    auto job = std::make_optional<Job>(world.env(), 2, kLimit);
    const SimEnd end = world.Run([&] { return job->done(); }, kMaxSteps);
    if (end == SimEnd::kCrashed) {
      ++crashes;
      EXPECT_FALSE(world.Step()) << "a crashed world stands still";
      job.reset();
      world.Crash();
      job.emplace(world.env(), 2, kLimit);
      ASSERT_EQ(world.Run([&] { return job->done(); }, kMaxSteps), SimEnd::kDone)
          << "k " << k << ": " << world.RecentTrace();
    } else {
      ASSERT_EQ(end, SimEnd::kDone);
    }
    ASSERT_EQ(world.fs().ReadFile("slot-0").value(), Expected()) << "k " << k;
    ASSERT_EQ(world.fs().ReadFile("slot-1").value(), Expected()) << "k " << k;
    if (end == SimEnd::kDone) break;
  }
  EXPECT_EQ(crashes, 2u * kLimit * 4) << "open, append, sync and sync_dir of each line";
}

TEST(SimWorldTest, CrashOutOfNothingDropsSlotsAndWorks) {
  SimWorld world(1);
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  auto job = std::make_optional<Job>(world.env(), 1, kLimit);
  world.env().io->SubmitAfter(1000,
                              [owned = std::move(owned)] { FAIL() << "ran after the crash"; });
  for (int i = 0; i < 3; ++i) world.Step();
  world.Crash();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(world.Step()) << "nothing is left";
  EXPECT_FALSE(world.crashed());
}

// An object that a queued work owns may act when it dies. It is dead already.
TEST(SimWorldTest, WhatDiesInACrashLeavesNoTrace) {
  struct Writes {
    explicit Writes(const Env& e) : env(e) {}
    ~Writes() {
      EXPECT_TRUE(env.fs->WriteFileAtomic("ghost", "x").ok());
      env.io->Submit([] { FAIL() << "submitted by a dead process"; });
    }
    const Env& env;
  };
  SimWorld world(1);
  auto owned = std::make_shared<Writes>(world.env());
  const std::weak_ptr<Writes> watch = owned;
  world.env().io->SubmitAfter(1000, [owned = std::move(owned)] {});
  world.Crash();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(world.fs().Exists("ghost"));
  EXPECT_FALSE(world.Step()) << "nothing is left";
}

TEST(SimWorldTest, TimeJumpsToTheNextDeadline) {
  SimOptions options;
  options.io_delay_us_max = 0;
  options.timer_late_us_max = 0;
  options.step_ns_max = 0;
  SimWorld world(1, options);
  const Clock* clock = world.env().clock;
  const int64_t start_ms = clock->NowMs();
  std::vector<int64_t> ran_at;
  const auto note = [&] { ran_at.push_back(clock->NowMs() - start_ms); };
  world.env().io->SubmitAfter(3'600'000, note);
  world.env().io->SubmitAfter(10, note);
  EXPECT_EQ(world.Run([] { return false; }, 100), SimEnd::kIdle);
  EXPECT_EQ(ran_at, (std::vector<int64_t>{10, 3'600'000}));
  world.JumpWallMs(-86'400'000);
  EXPECT_LT(clock->NowMs(), start_ms);
  EXPECT_GE(clock->MonoNs(), 3'600'000'000'000);
}

TEST(SimWorldTest, SlotRunsOnWakeAndOnDeadlineOnly) {
  struct Timer : public SlotWork {
    const Clock* clock = nullptr;
    int64_t due = kNeverNs;
    int turns = 0;
    bool RunTurn() override {
      ++turns;
      if (due != kNeverNs && clock->MonoNs() >= due) due = kNeverNs;
      return false;
    }
    int64_t NextDeadlineNs() override { return due; }
  } timer;
  SimWorld world(1);
  timer.clock = world.env().clock;
  world.env().scheduler->Start(0, "timer", &timer);
  const auto waker = world.env().scheduler->WakerFor(0);
  EXPECT_TRUE(world.Step());
  EXPECT_FALSE(world.Step());
  EXPECT_EQ(timer.turns, 1);
  waker->Wake();
  timer.due = timer.clock->MonoNs() + 1'000'000'000;
  EXPECT_TRUE(world.Step());
  EXPECT_TRUE(world.Step()) << "the deadline";
  EXPECT_EQ(timer.due, kNeverNs);
  EXPECT_FALSE(world.Step());
  world.env().scheduler->Stop();
  waker->Wake();
  EXPECT_FALSE(world.Step());
  EXPECT_EQ(timer.turns, 3);
}

// A slot that always has more to do must not keep I/O or its neighbour from ever running.
TEST(SimWorldTest, NoOrderStarvesForEver) {
  struct Endless : public SlotWork {
    int turns = 0;
    bool RunTurn() override { return ++turns > 0; }
    int64_t NextDeadlineNs() override { return kNeverNs; }
  };
  for (int order = 0; order < 5; ++order) {
    SimOptions options;
    options.order = static_cast<SimOrder>(order);
    for (uint64_t seed = 0; seed < 10; ++seed) {
      SimWorld world(seed, options);
      Endless a;
      Endless b;
      bool io_ran = false;
      world.env().scheduler->Start(0, "a", &a);
      world.env().scheduler->Start(1, "b", &b);
      world.env().io->Submit([&] { io_ran = true; });
      const auto all_ran = [&] { return a.turns > 0 && b.turns > 0 && io_ran; };
      EXPECT_EQ(world.Run(all_ran, 50'000), SimEnd::kDone) << order << " seed " << seed;
    }
  }
}

TEST(SimWorldTest, VariablesAndNotes) {
  SimOptions options;
  options.variables["WEIR_DATA"] = "/data";
  SimWorld world(1, options);
  EXPECT_EQ(world.env().variable("WEIR_DATA"), "/data");
  EXPECT_EQ(world.env().variable("HOME"), std::nullopt);
  const uint64_t before = world.trace_hash();
  world.NoteTrace("decision 1");
  EXPECT_NE(world.trace_hash(), before);
  EXPECT_EQ(world.RecentTrace(), "decision 1");
}

TEST(SimWorldTest, StepLimitEnds) {
  SimWorld world(1);
  std::function<void()> again = [&] { world.env().io->Submit(again); };
  world.env().io->Submit(again);
  EXPECT_EQ(world.Run([] { return false; }, 10), SimEnd::kStepLimit);
}

}  // namespace
}  // namespace weir
