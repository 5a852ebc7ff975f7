// A watermark that makes many timers due does not hold the task (DESIGN D23): they fire in slices,
// mail runs in between, no input is taken before the last, and the watermark goes out behind all.
#include <gtest/gtest.h>

#include "engine/base/testing_env.h"
#include "engine/runtime/task.h"
#include "state/hot/hot_backend.h"

namespace weir {
namespace {

constexpr int kTimers = 1000;

struct Seen {
  std::vector<int64_t> fired;     // times of the timers
  std::vector<size_t> fired_at;   // timers fired when a batch, watermark or idle status came
  std::vector<std::string> what;  // "batch", "watermark", "idle", "end"
};

// Registers a timer per row, at the row's event time.
class Sleeper : public Operator {
 public:
  explicit Sleeper(Seen* seen) : seen_(seen) {}
  Status Process(int, RecordBatch batch) override {
    Note("batch");
    for (const int64_t at : batch.event_time) {
      context()->timers()->Register(TimeDomain::kEventTime, KeyRef{1, HashBytes("k"), "k"}, "", at);
    }
    return absl::OkStatus();
  }
  Status OnTimer(const Timer& timer) override {
    EXPECT_GE(context()->watermark(), timer.at_ms);
    seen_->fired.push_back(timer.at_ms);
    return absl::OkStatus();
  }
  Status OnWatermark(int64_t ms) override {
    Note("watermark");
    return Operator::OnWatermark(ms);
  }
  Status OnEndOfInput() override {
    Note("end");
    return Operator::OnEndOfInput();
  }

 private:
  void Note(const char* what) {
    seen_->what.emplace_back(what);
    seen_->fired_at.push_back(seen_->fired.size());
  }
  Seen* seen_;
};

class Listener : public TaskListener {
 public:
  void OnAck(TaskAck) override {}
  void OnEnded(int) override { ended = true; }
  void OnFailed(int, Status status) override { ADD_FAILURE() << status; }
  bool ended = false;
};

struct Nobody : public Waker {
  void Wake() override {}
};

class TimerSlices : public ::testing::Test {
 protected:
  TimerSlices() {
    services_.env.clock = &clock_;
    services_.metrics = &metrics_;
    services_.listener = &listener_;
    NodeConfig config;
    config.info.name = config.info.uid = "sleeper";
    config.ports = 1;
    config.op = std::make_unique<Sleeper>(&seen_);
    config.backend = std::make_unique<HotStateBackend>(&clock_);
    std::vector<NodeConfig> nodes;
    nodes.push_back(std::move(config));
    task_ = std::make_unique<Task>(0, "t", std::move(nodes), nobody_, services_);
    task_->SetInputs({0}, {false}, {&channel_});
    channel_.Push(IdleStatus{false});
    channel_.Push(Rows(0, kTimers));
  }

  static RecordBatch Rows(int64_t first, int n) {
    RecordBatch batch(MakeSchema({{"a", Type{TypeKind::kInt64, {}}, false}}));
    for (int64_t i = 0; i < n; ++i) {
      batch.column(0).AppendInt(first + i);
      batch.event_time.push_back(first + i);
      batch.origin.push_back({0, 0, first + i});
      batch.emit.push_back(0);
    }
    return batch;
  }

  ManualClock clock_;
  MetricRegistry metrics_;
  Listener listener_;
  Seen seen_;
  JobServices services_;
  std::shared_ptr<Nobody> nobody_ = std::make_shared<Nobody>();
  Channel channel_{nobody_, nobody_};
  std::unique_ptr<Task> task_;
};

TEST_F(TimerSlices, MailRunsBetweenSlicesAndInputWaits) {
  channel_.Push(Watermark{kTimers});
  channel_.Push(Rows(2 * kTimers, 1));
  size_t at_mail = 0;
  size_t turns = 0;
  for (task_->RunTurn(); seen_.fired.size() < kTimers && turns < 100; ++turns) {
    task_->mail().Post([&] { at_mail = seen_.fired.size(); });
    EXPECT_TRUE(task_->RunTurn()) << "there is more to do";
  }
  EXPECT_GE(turns, 3u);
  EXPECT_GT(at_mail, 0u);
  EXPECT_LT(at_mail, static_cast<size_t>(kTimers));
  while (task_->RunTurn()) {
  }
  EXPECT_EQ(seen_.what, (std::vector<std::string>{"batch", "watermark", "batch"}));
  EXPECT_EQ(seen_.fired_at, (std::vector<size_t>{0, kTimers, kTimers}));
  EXPECT_TRUE(std::is_sorted(seen_.fired.begin(), seen_.fired.end()));
}

// What cannot wait, because it was taken in the same turn, fires the rest first.
TEST_F(TimerSlices, TheNextWatermarkComesBehindTheTimersOfTheOneBefore) {
  channel_.Push(Watermark{kTimers / 2});
  channel_.Push(Watermark{kTimers});
  channel_.Push(EndOfInput{});
  while (task_->RunTurn()) {
  }
  EXPECT_EQ(seen_.what, (std::vector<std::string>{"batch", "watermark", "watermark", "end"}));
  EXPECT_EQ(seen_.fired_at, (std::vector<size_t>{0, kTimers / 2 + 1, kTimers, kTimers}));
  EXPECT_TRUE(listener_.ended);
}

TEST_F(TimerSlices, TheEndOfInputWaitsForTheTimersBeforeIt) {
  channel_.Push(Watermark{kTimers});
  channel_.Push(EndOfInput{});
  task_->RunTurn();
  EXPECT_LT(seen_.fired.size(), static_cast<size_t>(kTimers));
  EXPECT_FALSE(listener_.ended);
  while (task_->RunTurn()) {
  }
  EXPECT_TRUE(listener_.ended);
}

}  // namespace
}  // namespace weir
