#include "engine/runtime/input_gate.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

class NoWaker : public Waker {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

SchemaPtr TestSchema() {
  static const SchemaPtr schema = MakeSchema({{"n", {TypeKind::kInt64, {}}, false}});
  return schema;
}

RecordBatch Row(int64_t n) {
  RecordBatch batch(TestSchema());
  batch.column(0).AppendInt(n);
  batch.AppendMeta(n, Origin{}, 0);
  return batch;
}

Barrier Cut(int64_t id) { return Barrier{id, SnapshotKind::kCheckpoint, nullptr}; }

class InputGateTest : public ::testing::Test {
 protected:
  Channel* Add(bool control) {
    channels_.push_back(std::make_unique<Channel>(producer_, consumer_, 4));
    raw_.push_back(channels_.back().get());
    control_.push_back(control);
    inputs_.push_back(control ? 1 : 0);
    return raw_.back();
  }
  void Build() {
    gate_.emplace(inputs_, control_, raw_);
    for (size_t i = 0; i < raw_.size(); ++i) {
      if (!control_[i]) raw_[i]->Push(IdleStatus{false});
    }
    EXPECT_EQ(Next(), "active");
  }
  // "3" = a batch with that number, "b1" = barrier 1, "w5" = watermark, "end", "" = nothing.
  std::string Next(bool control_only = false) {
    auto event = gate_->Next(control_only);
    if (!event) return "";
    if (auto* b = std::get_if<GateBatch>(&*event)) return std::to_string(b->batch.column(0).Int(0));
    if (auto* t = std::get_if<GateTime>(&*event)) {
      if (t->time.watermark) return "w" + std::to_string(*t->time.watermark);
      return *t->time.idle ? "idle" : "active";
    }
    if (auto* barrier = std::get_if<Barrier>(&*event)) return "b" + std::to_string(barrier->id);
    return "end";
  }

  std::shared_ptr<NoWaker> producer_ = std::make_shared<NoWaker>();
  std::shared_ptr<NoWaker> consumer_ = std::make_shared<NoWaker>();
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<Channel*> raw_;
  std::vector<bool> control_;
  std::vector<int> inputs_;
  std::optional<InputGate> gate_;
};

TEST_F(InputGateTest, AChannelBehindItsBarrierIsNotReadUntilAllHaveDelivered) {  // E-C2, I-5
  Channel* a = Add(false);
  Channel* b = Add(false);
  Build();
  a->Push(Row(1));
  a->Push(Cut(1));
  a->Push(Row(2));
  b->Push(Row(3));
  EXPECT_EQ(Next(), "1");
  EXPECT_EQ(Next(), "3");
  EXPECT_EQ(Next(), "") << "2 is behind the barrier";
  EXPECT_TRUE(gate_->aligning());
  b->Push(Cut(1));
  EXPECT_EQ(Next(), "b1");
  EXPECT_EQ(Next(), "2");
}

TEST_F(InputGateTest, ANewerBarrierReplacesTheOneBeingAligned) {  // E-C1
  Channel* a = Add(false);
  Channel* b = Add(false);
  Build();
  a->Push(Cut(1));
  EXPECT_EQ(Next(), "");
  b->Push(Cut(2));
  EXPECT_EQ(Next(), "");
  a->Push(Row(5));
  EXPECT_EQ(Next(), "5") << "barrier 1 was given up: a is read again";
  a->Push(Cut(2));
  EXPECT_EQ(Next(), "b2");
  b->Push(Cut(1));
  EXPECT_EQ(Next(), "") << "a late barrier is ignored";
}

TEST_F(InputGateTest, ControlComesFirstAndIsTakenAlsoWhenDataCannotBe) {  // D14
  Channel* data = Add(false);
  Channel* control = Add(true);
  Build();
  data->Push(Row(1));
  control->Push(Row(9));
  EXPECT_EQ(Next(/*control_only=*/true), "9");
  EXPECT_EQ(Next(true), "");
  EXPECT_EQ(Next(), "1");
}

TEST_F(InputGateTest, ControlTakesPartInBarriersButNotInTimeOrEnd) {
  Channel* data = Add(false);
  Channel* control = Add(true);
  Build();
  data->Push(Watermark{5});
  EXPECT_EQ(Next(), "w5");
  control->Push(Watermark{1});
  data->Push(Cut(1));
  EXPECT_EQ(Next(), "") << "the rule channel has not delivered its barrier";
  control->Push(Cut(1));
  EXPECT_EQ(Next(), "b1");
  data->Push(EndOfInput{});
  EXPECT_EQ(Next(), "end");
}

// Else subtasks would differ at one barrier in what they were told.
TEST_F(InputGateTest, ControlWaitsBehindItsBarrierUnlessTheOperatorIsFull) {
  Channel* data = Add(false);
  Channel* control = Add(true);
  Build();
  control->Push(Cut(1));
  control->Push(Row(8));
  control->Push(Row(9));
  data->Push(Row(1));
  EXPECT_EQ(Next(), "1");
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Next(/*control_only=*/true), "8") << "it may need this to get room";
  data->Push(Cut(1));
  EXPECT_EQ(Next(), "b1");
  EXPECT_EQ(Next(), "9");
}

TEST_F(InputGateTest, WhatDoesNotFitIsSpilledInOrderAndTheProducerIsWoken) {  // D23
  Channel* a = Add(false);
  Build();
  for (int i = 0; i < 10; ++i) a->Push(Row(i));
  EXPECT_FALSE(a->Drain());
  EXPECT_EQ(Next(), "0");
  EXPECT_GT(producer_->wakes, 0);
  std::string seen;
  for (int i = 0; i < 20 && seen.size() < 9; ++i) {
    a->Drain();
    seen += Next();
  }
  EXPECT_EQ(seen, "123456789");
  EXPECT_TRUE(a->Drain());
}

TEST_F(InputGateTest, NoDataIsTakenBeforeEveryChannelHasSaidWhetherItIsIdle) {
  Channel* a = Add(false);
  Channel* b = Add(false);
  gate_.emplace(inputs_, control_, raw_);
  a->Push(IdleStatus{false});
  a->Push(Watermark{7});
  a->Push(Row(1));
  EXPECT_EQ(Next(), "");
  b->Push(IdleStatus{true});
  EXPECT_EQ(Next(), "active");
  EXPECT_EQ(Next(), "w7") << "b does not hold time back: it had said so before";
  EXPECT_EQ(Next(), "1");
}

// An operator whose room depends on a control record would never see the end of an alignment.
TEST_F(InputGateTest, AControlChannelGoesOnBehindItsBarrier) {
  Channel* data = Add(false);
  Channel* control = Add(true);
  Build();
  data->Push(Row(1));
  data->Push(Cut(1));
  control->Push(Cut(1));
  control->Push(Row(7));
  EXPECT_EQ(Next(/*control_only=*/true), "7");
  EXPECT_TRUE(gate_->aligning());
  EXPECT_EQ(Next(), "1");
  EXPECT_EQ(Next(), "b1");
  EXPECT_EQ(Next(), "");
}

}  // namespace
}  // namespace weir
