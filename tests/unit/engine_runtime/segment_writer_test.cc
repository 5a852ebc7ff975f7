// The order of write-backs, segments and outcomes, and what becomes of a chain when one fails.
#include "engine/runtime/segment_writer.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/mailbox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Trace = std::vector<std::string>;

// A seal of so many parts, named after its table.
class FakeRest : public SealedRest {
 public:
  FakeRest(std::string name, int parts, bool full, Trace* trace, bool* broken)
      : name_(std::move(name)), parts_(parts), full_(full), trace_(trace), broken_(broken) {}
  StatusOr<bool> Next(SealedState* part) override {
    if (*broken_) return Err(ErrorCode::kStateIo, "the store is broken");
    if (next_ == 0) trace_->push_back("store " + name_);
    if (next_ == parts_) return false;
    part->full = full_;
    SealedTable table;
    table.name = name_ + std::to_string(++next_);
    table.records = 1;
    part->tables.push_back(std::move(table));
    return true;
  }

 private:
  std::string name_;
  int parts_;
  int next_ = 0;
  bool full_;
  Trace* trace_;
  bool* broken_;
};

class FakeBackend : public StateBackend {
 public:
  StatusOr<StateTable*> OpenTable(const StateDescriptor&) override { return nullptr; }
  void SetTime(int64_t, int64_t) override {}
  void Seal(int64_t, bool) override {}
  bool WriteSlice(int64_t) override { return true; }
  SealedState TakeSealed() override { return std::exchange(sealed, SealedState()); }
  Status Restore(const SealedTable&, const StateRecord&) override { return absl::OkStatus(); }
  std::vector<std::string> UnopenedTables() const override { return {}; }
  size_t ReclaimExpired() override { return 0; }
  size_t memory_bytes() const override { return 0; }
  void StoreDone() override { ++stored; }

  SealedState sealed;
  int stored = 0;
};

class FakeStorage : public CheckpointStorage {
 public:
  explicit FakeStorage(Trace* trace) : trace_(trace) {}
  StatusOr<SegmentRef> WriteSegment(SealedState state, const std::string& savepoint) override {
    const std::string name = savepoint + state.tables.front().name;
    if (failing.count(name) > 0) return Err(ErrorCode::kStateIo, "disk full");
    trace_->push_back("segment " + name);
    return SegmentRef{name, 100, 0};
  }
  StatusOr<int64_t> OpenEpoch() override { return 1; }
  Status NoteSavepointStart(const SavepointStart&) override { return absl::OkStatus(); }
  StatusOr<std::optional<SavepointStart>> NewestSavepointStart() override {
    return std::optional<SavepointStart>();
  }
  Status ReadSegment(
      const SegmentRef&, const std::string&,
      const std::function<Status(const SealedTable&, const StateRecord&)>&) override {
    return absl::OkStatus();
  }
  Status WriteManifest(const Manifest&, const std::string&) override { return absl::OkStatus(); }
  StatusOr<std::vector<int64_t>> List() override { return std::vector<int64_t>(); }
  StatusOr<Manifest> ReadManifest(int64_t) override { return Manifest(); }
  StatusOr<Manifest> ReadSavepoint(const std::string&) override { return Manifest(); }
  Status Verify(const Manifest&, const std::string&) override { return absl::OkStatus(); }
  Status Collect(int, int64_t) override { return absl::OkStatus(); }
  Status DeleteAll() override { return absl::OkStatus(); }

  std::set<std::string> failing;

 private:
  Trace* trace_;
};

class NoWaker : public Waker {
 public:
  void Wake() override {}
};

// Runs one work at a time, so that mail is read in between.
class StepExecutor : public Executor {
 public:
  void Submit(std::function<void()> work) override { works_.push_back(std::move(work)); }
  void SubmitAfter(int64_t, std::function<void()> work) override { Submit(std::move(work)); }
  size_t RunOne() {
    if (works_.empty()) return 0;
    const std::function<void()> work = std::move(works_.front());
    works_.pop_front();
    work();
    return 1;
  }

 private:
  std::deque<std::function<void()>> works_;
};

class SegmentWriterTest : public ::testing::Test {
 protected:
  using Kind = SegmentWriter::Kind;
  // parts = 0: as a backend over no store.
  void Seal(Kind kind, const std::string& name, bool full, int parts = 1) {
    backend_.sealed.full = full;
    if (parts > 0) {
      backend_.sealed.rest = std::make_shared<FakeRest>(name, parts, full, &trace_, &broken_);
    } else {
      SealedTable table;
      table.name = name;
      table.records = 1;
      backend_.sealed.tables.push_back(std::move(table));
    }
    writer_->Write(kind, kind == Kind::kSavepoint ? "sp/" : "",
                   [this, name](const SegmentWriter::Outcome& outcome) {
                     trace_.push_back(name + (outcome.status.ok() ? " done" : " failed"));
                     names_.clear();
                     for (const SegmentRef& ref : outcome.segments) names_.push_back(ref.sha256);
                   });
  }
  void Run() {
    while (io_.RunOne() + mailbox_.RunAll() > 0) {
    }
  }

  StepExecutor io_;
  Mailbox mailbox_{std::make_shared<NoWaker>()};
  Trace trace_;
  bool broken_ = false;
  Status failure_;
  FakeBackend backend_;
  std::shared_ptr<FakeStorage> storage_ = std::make_shared<FakeStorage>(&trace_);
  std::vector<std::string> names_;  // segments of the last outcome
  std::shared_ptr<SegmentWriter> writer_ =
      std::make_shared<SegmentWriter>(&backend_, true, storage_, &io_, mailbox_.handle(),
                                      [this](const Status& status) { failure_ = status; });
};

TEST_F(SegmentWriterTest, SpillsStandInTheChainBeforeTheirCheckpoint) {
  EXPECT_TRUE(writer_->NeedsFull());
  Seal(Kind::kSpill, "base", true, 2);
  EXPECT_FALSE(writer_->NeedsFull()) << "it is on its way";
  Seal(Kind::kSpill, "a", false);
  Seal(Kind::kCheckpoint, "b", false);
  Run();
  EXPECT_THAT(names_, ElementsAre("base1", "base2", "a1", "b1"));
  EXPECT_EQ(backend_.stored, 3);
  Seal(Kind::kSpill, "later", false);
  Run();
  Seal(Kind::kCheckpoint, "c", false);
  Run();
  EXPECT_THAT(names_, ElementsAre("base1", "base2", "a1", "b1", "later1", "c1"));
}

TEST_F(SegmentWriterTest, TheStoreDoesNotWaitForALongBase) {
  Seal(Kind::kCheckpoint, "base", true, 3);
  Seal(Kind::kSpill, "a", false);
  Run();
  ASSERT_GE(trace_.size(), 4u);
  const auto at = [&](const std::string& what) {
    return std::find(trace_.begin(), trace_.end(), what) - trace_.begin();
  };
  EXPECT_LT(at("store base"), at("store a"));
  EXPECT_LT(at("store a"), at("segment base3"));
  EXPECT_LT(at("base done"), at("a done")) << "outcomes come in the order of the seals";
}

TEST_F(SegmentWriterTest, ASpillWithoutAChainGoesToTheStoreOnly) {
  Seal(Kind::kSpill, "a", false);
  Run();
  EXPECT_THAT(trace_, ElementsAre("store a", "a done"));
  EXPECT_TRUE(writer_->NeedsFull());
}

TEST_F(SegmentWriterTest, AfterASavepointTheNextIsFull) {
  Seal(Kind::kCheckpoint, "base", true);
  Run();
  EXPECT_FALSE(writer_->NeedsFull());
  Seal(Kind::kSavepoint, "s", true);
  EXPECT_TRUE(writer_->NeedsFull());
  Run();
  EXPECT_THAT(names_, ElementsAre("sp/s1"));
  EXPECT_TRUE(writer_->NeedsFull());
}

TEST_F(SegmentWriterTest, WhatBuildsOnAFailedBaseFails) {
  storage_->failing = {"base1"};
  Seal(Kind::kCheckpoint, "base", true);
  Seal(Kind::kCheckpoint, "b", false);
  Run();
  EXPECT_THAT(trace_,
              ElementsAre("store base", "base failed", "store b", "segment b1", "b failed"));
  EXPECT_THAT(names_, IsEmpty());
  EXPECT_TRUE(writer_->NeedsFull());
  EXPECT_TRUE(failure_.ok()) << "a checkpoint may fail, the job goes on";
}

TEST_F(SegmentWriterTest, AStoreThatCannotBeWrittenEndsTheJob) {
  broken_ = true;
  Seal(Kind::kCheckpoint, "base", true);
  Run();
  EXPECT_EQ(ErrorNumber(failure_), static_cast<int>(ErrorCode::kStateIo));
  EXPECT_EQ(backend_.stored, 0);
}

TEST_F(SegmentWriterTest, WithoutAStoreThereIsNothingToConfirm) {
  Seal(Kind::kCheckpoint, "base", true, 0);
  Seal(Kind::kCheckpoint, "a", false, 0);
  Run();
  EXPECT_THAT(names_, ElementsAre("base", "a"));
  EXPECT_EQ(backend_.stored, 0);
  writer_->Write(Kind::kCheckpoint, "", [this](const SegmentWriter::Outcome& outcome) {
    for (const SegmentRef& ref : outcome.segments) names_.push_back(ref.sha256);
  });
  EXPECT_THAT(names_, ElementsAre("base", "a", "base", "a")) << "nothing changed: told at once";
}

TEST(SegmentChain, ABaseComesWhenTheDeltasCostMore) {
  SegmentChain chain;
  EXPECT_TRUE(chain.NeedsFull());
  chain.has_base = true;
  chain.segments.resize(2);
  chain.base_bytes = 10 << 20;
  chain.delta_bytes = 20 << 20;
  chain.deltas = 1;
  EXPECT_FALSE(chain.NeedsFull());
  chain.delta_bytes = 22 << 20;
  EXPECT_TRUE(chain.NeedsFull());
  chain.delta_bytes = 1 << 20;
  chain.deltas = 16;
  EXPECT_FALSE(chain.NeedsFull()) << "small deltas on a large base";
  chain.deltas = 40;
  EXPECT_TRUE(chain.NeedsFull()) << "but not without end";
}

}  // namespace
}  // namespace weir
