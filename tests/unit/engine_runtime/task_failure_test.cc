// What a person learns of an operator that fails, or writes a log line, in the middle of a chain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/log.h"
#include "engine/base/testing_env.h"
#include "engine/runtime/task.h"

namespace weir {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class PassOn : public Operator {
 public:
  Status Process(int, RecordBatch batch) override {
    out()->Emit(0, std::move(batch));
    LogWarning("mine", "passed on");
    return absl::OkStatus();
  }
};

class Fails : public Operator {
 public:
  Status Process(int, RecordBatch) override {
    LogWarning("mine", "about to fail");
    return Err(ErrorCode::kOperatorFailed, "no");
  }
};

class Listener : public TaskListener {
 public:
  void OnAck(TaskAck) override {}
  void OnEnded(int) override {}
  void OnFailed(int, Status status) override { failed = std::move(status); }
  Status failed;
};

struct Nobody : public Waker {
  void Wake() override {}
};

NodeConfig Node(const std::string& name, std::unique_ptr<Operator> op) {
  NodeConfig config;
  config.info.name = config.info.uid = name;
  config.info.subtask = 1;
  config.info.parallelism = 2;
  config.ports = 1;
  config.op = std::move(op);
  return config;
}

TEST(TaskFailure, NamesTheOperatorAndTheSubtask) {
  ManualClock clock;
  MetricRegistry metrics;
  Listener listener;
  JobServices services;
  services.env.clock = &clock;
  services.metrics = &metrics;
  services.listener = &listener;
  const auto nobody = std::make_shared<Nobody>();
  Channel channel{nobody, nobody};
  std::vector<NodeConfig> nodes;
  nodes.push_back(Node("head", std::make_unique<PassOn>()));
  nodes.push_back(Node("tail", std::make_unique<Fails>()));
  Task task(0, "head -> tail", std::move(nodes), nobody, services);
  task.node(0)->AddChained(0, task.node(1), 0);
  task.SetInputs({0}, {false}, {&channel});
  RecordBatch batch(MakeSchema({{"a", Type{TypeKind::kInt64, {}}, false}}));
  batch.column(0).AppendInt(1);
  batch.event_time.push_back(1);
  batch.origin.push_back({0, 0, 1});
  batch.emit.push_back(0);
  channel.Push(IdleStatus{false});
  channel.Push(std::move(batch));

  testing::internal::CaptureStderr();
  while (task.RunTurn()) {
  }
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("mine: about to fail operator=tail subtask=1\n"));
  EXPECT_THAT(lines, EndsWith("mine: passed on operator=head subtask=1\n"));
  EXPECT_EQ(listener.failed.message(), "task 'head -> tail' (subtask 1 of 2): no");
  EXPECT_EQ(PlaceOf(listener.failed).operator_uid, "tail");
  EXPECT_EQ(PlaceOf(listener.failed).subtask, 1);
  LogWarning("mine", "outside");
}

}  // namespace
}  // namespace weir
