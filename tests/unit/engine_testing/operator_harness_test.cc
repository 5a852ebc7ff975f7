#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "operators/aggregate/running_count.h"
#include "weir/testing.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An operator out of functions.
struct Script {
  std::vector<std::string> key;
  std::function<Status(Operator*, OperatorContext*, Collector*)> open;
  std::function<Status(OperatorContext*, Collector*, RecordBatch)> process;
  std::function<Status(OperatorContext*, Collector*, const Timer&)> timer;
  std::function<Status(OperatorContext*, Collector*)> wake;
  std::function<Status(OperatorContext*, const std::shared_ptr<SnapshotPart>&)> snapshot;
  std::function<void(const std::vector<StatePiece>&)> restore;
};

class Scripted : public Operator {
 public:
  explicit Scripted(Script script) : script_(std::move(script)) {}
  Status Open(OperatorContext* context, Collector* out) override {
    WEIR_RETURN_IF_ERROR(Operator::Open(context, out));
    return script_.open ? script_.open(this, context, out) : absl::OkStatus();
  }
  Status Process(int, RecordBatch batch) override {
    if (script_.process) return script_.process(context(), out(), std::move(batch));
    out()->Emit(0, std::move(batch));
    return absl::OkStatus();
  }
  Status OnTimer(const Timer& timer) override {
    return script_.timer ? script_.timer(context(), out(), timer) : absl::OkStatus();
  }
  Status OnWake() override {
    return script_.wake ? script_.wake(context(), out()) : absl::OkStatus();
  }
  Status Snapshot(const std::shared_ptr<SnapshotPart>& part) override {
    if (script_.snapshot) return script_.snapshot(context(), part);
    return Operator::Snapshot(part);
  }
  Status Restore(const std::vector<StatePiece>& pieces) override {
    if (script_.restore) script_.restore(pieces);
    return absl::OkStatus();
  }

 private:
  Script script_;
};

OperatorHarness::Setup SetupOf(Script script) {
  OperatorType type;
  type.name = "scripted";
  type.doc = "A test's operator.";
  type.plan = [script](const OperatorPlanContext& context) -> std::optional<OperatorPlan> {
    OperatorPlan plan;
    plan.key = script.key;
    plan.outputs = {{"", context.inputs[0].schema, context.inputs[0].event_time_field}};
    plan.create = CreateOperator<Scripted>(script);
    return plan;
  };
  return {.type = type,
          .inputs = {{.schema = "{ k: string, at: timestamp_ms }", .event_time = "at"}}};
}

std::unique_ptr<OperatorHarness> Start(OperatorHarness::Setup setup) {
  auto harness = OperatorHarness::Create(std::move(setup));
  WEIR_CHECK(harness.ok(), FormatError(harness.status()));
  return *std::move(harness);
}

KeyRef Key(std::string_view key) { return {KeyGroupFor(key, 128), HashBytes(key), key}; }

constexpr char kRow[] = R"({"k":"a","at":5})";

TEST(OperatorHarness, RowsPassWithTimeAndOrigin) {
  auto harness = Start(SetupOf({}));
  ASSERT_TRUE(harness->Send({kRow, R"({"k":"b","at":7})"}).ok());
  ASSERT_TRUE(harness->Send({kRow}).ok());
  const std::vector<RecordBatch> batches = harness->TakeBatches();
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_THAT(batches[0].event_time, ElementsAre(5, 7));
  EXPECT_EQ(batches[1].origin[0].offset, 2);
  EXPECT_THAT(harness->Take(), IsEmpty());
}

TEST(OperatorHarness, ARowThatDoesNotFitIsAnError) {
  auto harness = Start(SetupOf({}));
  EXPECT_EQ(ErrorNumber(harness->Send({R"({"at":5})"})), 2002);
}

TEST(OperatorHarness, RowsGoToTheOwnerOfTheirKey) {
  Script script;
  script.key = {"k"};
  script.process = [](OperatorContext* context, Collector* out, RecordBatch batch) {
    for (const uint16_t group : batch.key_group) {
      if (!context->info().key_groups.Contains(group)) return absl::InternalError("not mine");
    }
    out->Emit(0, std::move(batch));
    return absl::OkStatus();
  };
  OperatorHarness::Setup setup = SetupOf(script);
  setup.parallelism = 3;
  auto harness = Start(setup);
  std::vector<std::string> rows;
  for (int i = 0; i < 50; ++i) rows.push_back(R"({"k":"key)" + std::to_string(i) + R"(","at":5})");
  const Status sent = harness->Send(rows);
  ASSERT_TRUE(sent.ok()) << sent;
  EXPECT_EQ(harness->TakeBatches().size(), 3u);
}

TEST(OperatorHarness, EventTimersFireBeforeTheirWatermark) {
  Script script;
  script.key = {"k"};
  script.process = [](OperatorContext* context, Collector*, RecordBatch) {
    context->timers()->Register(TimeDomain::kEventTime, Key("a"), "", 100);
    context->timers()->Register(TimeDomain::kEventTime, Key("a"), "", 100);  // a set: fires once
    return absl::OkStatus();
  };
  script.timer = [](OperatorContext* context, Collector* out, const Timer& timer) {
    EXPECT_EQ(context->watermark(), 150);
    RecordBatch batch(MakeSchema({{"k", Type{TypeKind::kString, {}}, false},
                                  {"at", Type{TypeKind::kTimestamp, {}}, false}}));
    batch.column(0).AppendString("timer");
    batch.column(1).AppendInt(timer.at_ms);
    batch.AppendMeta(timer.at_ms, Origin{}, 0);
    out->Emit(0, std::move(batch));
    return absl::OkStatus();
  };
  auto harness = Start(SetupOf(script));
  ASSERT_TRUE(harness->Send({kRow}).ok());
  EXPECT_EQ(harness->timers(), 1u);
  ASSERT_TRUE(harness->AdvanceWatermark(99).ok());
  EXPECT_THAT(harness->TakeAll(), ElementsAre("watermark 99"));
  ASSERT_TRUE(harness->AdvanceWatermark(150).ok());
  EXPECT_THAT(harness->TakeAll(), ElementsAre(R"({"k":"timer","at":100})", "watermark 150"));
  EXPECT_EQ(harness->timers(), 0u);
  ASSERT_TRUE(harness->AdvanceWatermark(150).ok());
  EXPECT_THAT(harness->TakeAll(), IsEmpty());
}

// More than one slice of the engine's (256) fires in one step.
TEST(OperatorHarness, AllDueTimersFireInOneStep) {
  int fired = 0;
  Script script;
  script.key = {"k"};
  script.process = [](OperatorContext* context, Collector*, RecordBatch) {
    for (int64_t at = 0; at < 1000; ++at) {
      context->timers()->Register(TimeDomain::kEventTime, Key("a"), "", at);
      context->timers()->Register(TimeDomain::kProcessingTime, Key("a"), "", at);
    }
    return absl::OkStatus();
  };
  script.timer = [&](OperatorContext*, Collector*, const Timer&) {
    ++fired;
    return absl::OkStatus();
  };
  auto harness = Start(SetupOf(script));
  ASSERT_TRUE(harness->Send({kRow}).ok());
  EXPECT_EQ(fired, 1000);  // those of processing time are due at once
  ASSERT_TRUE(harness->AdvanceWatermark(5000).ok());
  EXPECT_EQ(fired, 2000);
  EXPECT_THAT(harness->TakeAll(), ElementsAre("watermark 5000"));
}

struct Mark {
  std::string k;
  int64_t at;
};
WEIR_RECORD(Mark, k, at);
struct In {
  std::string_view k;
  Timestamp at;
};
WEIR_RECORD(In, k, at);

// (origin, emit) of every output: effect ids are made of it, and must not be given twice.
using Names = std::set<std::tuple<uint32_t, int32_t, int64_t, uint32_t>>;
void Collect(OperatorHarness* harness, Names* names, size_t* rows) {
  for (const RecordBatch& batch : harness->TakeBatches()) {
    for (size_t i = 0; i < batch.rows(); ++i) {
      const Origin& o = batch.origin[i];
      names->emplace(static_cast<uint32_t>(o.source), static_cast<int32_t>(o.partition), o.offset,
                     batch.emit[i]);
      ++*rows;
    }
  }
}

OperatorHarness::Setup MarksOf(Script script) {
  OperatorHarness::Setup setup = SetupOf(script);
  setup.type.plan = [script](const OperatorPlanContext&) -> std::optional<OperatorPlan> {
    OperatorPlan plan;
    plan.key = script.key;
    plan.outputs = {{"", RecordSchema<Mark>(), -1}};
    plan.create = CreateOperator<Scripted>(script);
    return plan;
  };
  return setup;
}

// Registered anew when its time has passed, a timer fires a second time under its old name.
TEST(OperatorHarness, OutputsOfLateTimersHaveNamesOfTheirOwn) {
  Script script;
  script.key = {"k"};
  script.process = [](OperatorContext* context, Collector*, const RecordBatch&) {
    context->timers()->Register(TimeDomain::kEventTime, Key("a"), "", 10);
    return absl::OkStatus();
  };
  script.timer = [](OperatorContext* context, Collector* out, const Timer& timer) {
    RecordWriter<Mark>(context, out, 0).Add(timer, {timer.key, timer.at_ms});
    return absl::OkStatus();
  };
  auto harness = Start(MarksOf(script));
  Names names;
  size_t rows = 0;
  for (int64_t watermark = 20; watermark < 24; ++watermark) {
    ASSERT_TRUE(harness->Send({kRow}).ok());
    ASSERT_TRUE(harness->AdvanceWatermark(watermark).ok());
    Collect(harness.get(), &names, &rows);
  }
  EXPECT_EQ(rows, 4u);
  EXPECT_EQ(names.size(), 4u);
}

TEST(OperatorHarness, OutputsOfSeveralWritersAndPassesHaveNamesOfTheirOwn) {
  Script script;
  script.process = [](OperatorContext* context, Collector* out, const RecordBatch& batch) {
    const auto binding = RecordBinding<In>::Create(*batch.schema());
    RecordReader<In> reader(*binding, KeySelector());
    RecordWriter<Mark> one(context, out, 0), two(context, out, 0);
    for (int pass = 0; pass < 2; ++pass) {
      for (const auto& row : reader.Rows(batch)) {
        one.Add(row, {"a", 1});
        one.Add(row, {"a", 2});
        two.Add(row, {"a", 3});
      }
    }
    return absl::OkStatus();
  };
  auto harness = Start(MarksOf(script));
  Names names;
  size_t rows = 0;
  ASSERT_TRUE(harness->Send({kRow, kRow, kRow}).ok());
  ASSERT_TRUE(harness->Send({kRow}).ok());
  Collect(harness.get(), &names, &rows);
  EXPECT_EQ(rows, 24u);
  EXPECT_EQ(names.size(), 24u);
}

TEST(OperatorHarness, ProcessingTimersAndWakesGetTheirTime) {
  std::vector<int64_t> fired, woken;
  Script script;
  script.key = {"k"};
  script.process = [](OperatorContext* context, Collector*, RecordBatch) {
    const int64_t now = context->env().clock->NowMs();
    for (const int64_t in : {86'400'000, 1000}) {
      context->timers()->Register(TimeDomain::kProcessingTime, Key("a"), "", now + in);
    }
    context->WakeAt(context->env().clock->MonoNs() + 2'000'000'000);
    return absl::OkStatus();
  };
  auto harness = Start(SetupOf(script));
  const int64_t start = harness->now_ms();
  Script watching = script;
  watching.timer = [&](OperatorContext* context, Collector*, const Timer& timer) {
    EXPECT_EQ(context->env().clock->NowMs(), timer.at_ms);
    fired.push_back(timer.at_ms - start);
    return absl::OkStatus();
  };
  watching.wake = [&](OperatorContext* context, Collector*) {
    woken.push_back(context->env().clock->NowMs() - start);
    return absl::OkStatus();
  };
  harness = Start(SetupOf(watching));
  ASSERT_TRUE(harness->Send({kRow}).ok());
  ASSERT_TRUE(harness->AdvanceTime(999).ok());
  EXPECT_THAT(fired, IsEmpty());
  ASSERT_TRUE(harness->AdvanceTime(90'000'000).ok());
  EXPECT_THAT(fired, ElementsAre(1000, 86'400'000));
  EXPECT_THAT(woken, ElementsAre(2000));
  EXPECT_EQ(harness->now_ms(), start + 90'000'999);
}

TEST(OperatorHarness, DelayedWorkComesBackAsMail) {
  Script script;
  std::vector<int64_t> done;
  script.process = [&](OperatorContext* context, Collector*, RecordBatch) {
    context->env().io->SubmitAfter(500, [&, context, mail = context->mail()] {
      mail.Post([&, context] { done.push_back(context->env().clock->NowMs()); });
    });
    return absl::OkStatus();
  };
  auto harness = Start(SetupOf(script));
  const int64_t start = harness->now_ms();
  ASSERT_TRUE(harness->Send({kRow}).ok());
  EXPECT_THAT(done, IsEmpty());
  ASSERT_TRUE(harness->AdvanceTime(2000).ok());
  EXPECT_THAT(done, ElementsAre(start + 500));
}

TEST(OperatorHarness, FailIsTheStepsError) {
  Script script;
  script.process = [](OperatorContext* context, Collector*, RecordBatch) {
    context->mail().Post([context] { context->Fail(Err(ErrorCode::kLogIo, "no disk")); });
    return absl::OkStatus();
  };
  auto harness = Start(SetupOf(script));
  EXPECT_EQ(ErrorNumber(harness->Send({kRow})), 3004);
}

// A batch that breaks the contract of Emit would do harm far from here.
TEST(OperatorHarness, ABrokenBatchIsAnError) {
  const auto emitting = [](std::function<void(RecordBatch*)> change) {
    Script script;
    script.process = [change](OperatorContext*, Collector* out, RecordBatch batch) {
      change(&batch);
      out->Emit(0, std::move(batch));
      return absl::OkStatus();
    };
    return FormatError(Start(SetupOf(script))->Send({kRow}));
  };
  EXPECT_EQ(emitting([](RecordBatch*) {}), "OK");
  EXPECT_THAT(emitting([](RecordBatch* b) {
                RecordBatch other(MakeSchema({{"x", Type{TypeKind::kInt64, {}}, false}}));
                other.column(0).AppendInt(1);
                other.AppendMeta(*b, 0);
                *b = std::move(other);
              }),
              HasSubstr("WEIR-7001: output '' (port 0): the operator emits a batch that breaks the "
                        "rules: its schema is {x: int64}, the plan says {k: string, at:"));
  EXPECT_THAT(emitting([](RecordBatch* b) { b->column(0).AppendString("one too many"); }),
              HasSubstr("column 'k' has 2 rows, event_time 1"));
  EXPECT_THAT(emitting([](RecordBatch* b) {
                b->TruncateColumns(0);
                b->column(0).AppendNull();
                b->column(1).AppendInt(1);
              }),
              HasSubstr("column 'k' holds a null"));
  EXPECT_THAT(emitting([](RecordBatch* b) { b->emit.clear(); }), HasSubstr("differ in length"));
  EXPECT_THAT(emitting([](RecordBatch* b) { b->key_group.push_back(1); }),
              HasSubstr("neither all rows nor none"));
}

TEST(OperatorHarness, SnapshotWaitsForItsPartAndGivesPiecesToAll) {
  Script script;
  int restored = 0;
  script.snapshot = [](OperatorContext* context, const std::shared_ptr<SnapshotPart>& part) {
    part->Add({"position", std::to_string(context->info().subtask)});
    context->env().io->Submit(
        [part, mail = context->mail()] { mail.Post([part] { part->Finish(absl::OkStatus()); }); });
    return absl::OkStatus();
  };
  script.restore = [&](const std::vector<StatePiece>& pieces) {
    restored += static_cast<int>(pieces.size());
  };
  OperatorHarness::Setup setup = SetupOf(script);
  setup.parallelism = 2;
  auto harness = Start(setup);
  const auto snapshot = harness->Snapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_TRUE(harness->Restore(*snapshot, 3).ok());
  EXPECT_EQ(restored, 2 * 3);
}

TEST(OperatorHarness, APartThatIsNeverFinishedIsAnError) {
  Script script;
  script.snapshot = [](OperatorContext*, const std::shared_ptr<SnapshotPart>&) {
    return absl::OkStatus();
  };
  EXPECT_EQ(ErrorNumber(Start(SetupOf(script))->Snapshot().status()), 7001);
}

OperatorHarness::Setup CountSetup() {
  return {.type = MakeRunningCountType(),
          .inputs = {{.schema = "{ k: string, at: timestamp_ms }", .event_time = "at"}},
          .options = "key: k",
          .parallelism = 2};
}

TEST(OperatorHarness, StateSurvivesInAnotherHarnessAtAnotherParallelism) {
  auto first = Start(CountSetup());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(first->Send({kRow, R"({"k":"b","at":5})", R"({"k":"c","at":5})"}).ok());
  }
  ASSERT_TRUE(first->AdvanceWatermark(1234).ok());
  const auto snapshot = first->Snapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(snapshot->entries(), 3u);
  first.reset();

  auto second = Start(CountSetup());
  ASSERT_TRUE(second->Restore(*snapshot, 7).ok());
  EXPECT_EQ(second->StateSize("count"), 3u);
  ASSERT_TRUE(second->Send({kRow}).ok());
  EXPECT_THAT(second->Take(), ElementsAre(HasSubstr(R"("count":4)")));
  // The watermark is part of the checkpoint.
  ASSERT_TRUE(second->AdvanceWatermark(1000).ok());
  EXPECT_THAT(second->TakeAll(), IsEmpty());
}

TEST(OperatorHarness, RestoreIntoAnotherOperatorIsRefused) {
  auto harness = Start(CountSetup());
  ASSERT_TRUE(harness->Send({kRow}).ok());
  const auto snapshot = harness->Snapshot();
  ASSERT_TRUE(snapshot.ok());
  Script script;
  script.key = {"k"};
  EXPECT_EQ(ErrorNumber(Start(SetupOf(script))->Restore(*snapshot)), 4004);
}

TEST(OperatorHarness, UnkindModesChangeNothingHere) {
  OperatorHarness::Setup setup = CountSetup();
  setup.one_row_batches = setup.restore_every_step = true;
  auto harness = Start(setup);
  ASSERT_TRUE(harness->Send({kRow, kRow, kRow}).ok());
  EXPECT_THAT(harness->Take(), ElementsAre(HasSubstr(R"("count":1)"), HasSubstr(R"("count":2)"),
                                           HasSubstr(R"("count":3)")));
}

// What restore_every_step is for: a member that should have been state.
TEST(OperatorHarness, AForgottenMemberIsFound) {
  Script script;
  script.open = [](Operator*, OperatorContext*, Collector*) { return absl::OkStatus(); };
  class Forgetful : public Operator {
   public:
    Status Process(int, RecordBatch batch) override {
      seen_ += static_cast<int64_t>(batch.rows());
      if (seen_ > 1) out()->Emit(0, std::move(batch));
      return absl::OkStatus();
    }
    int64_t seen_ = 0;
  };
  std::vector<size_t> rows;
  for (const bool restore : {false, true}) {
    OperatorHarness::Setup setup = SetupOf(script);
    const auto plan = setup.type.plan;
    setup.type.plan = [plan](const OperatorPlanContext& context) {
      auto result = plan(context);
      result->create = CreateOperator<Forgetful>();
      return result;
    };
    setup.restore_every_step = restore;
    auto harness = Start(setup);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(harness->Send({kRow}).ok());
    rows.push_back(harness->Take().size());
  }
  EXPECT_THAT(rows, ElementsAre(2, 0));
}

TEST(OperatorHarness, PlanErrorsAreThoseOfATopology) {
  OperatorHarness::Setup setup = CountSetup();
  setup.options = "key: nobody";
  const auto harness = OperatorHarness::Create(setup);
  EXPECT_EQ(ErrorNumber(harness.status()), 1021) << harness.status();
  setup.options = "key: k\nkee: 1";
  EXPECT_EQ(ErrorNumber(OperatorHarness::Create(setup).status()), 1002);
}

TEST(OperatorHarness, EndOfInputAndIdlenessAreSeen) {
  auto harness = Start(SetupOf({}));
  ASSERT_TRUE(harness->SetIdle(true).ok());
  ASSERT_TRUE(harness->SetIdle(false).ok());
  ASSERT_TRUE(harness->EndInput().ok());
  EXPECT_THAT(harness->TakeAll(), ElementsAre("idle", "active", "end"));
}

}  // namespace
}  // namespace weir
