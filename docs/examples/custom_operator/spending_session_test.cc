// The operator alone, in virtual time.
#include "spending_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/testing.h>

namespace payments {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using weir::OperatorHarness;

// [setup]
OperatorHarness::Setup OneMinuteGap() {
  return {.type = MakeSpendingSessionType(),
          .inputs = {{.schema = "{ id: int64, card: string, amount: double, at: timestamp_ms }",
                      .event_time = "at"}},
          .options = "gap: 1m\nfactor: 3",
          .parallelism = 2};
}

std::unique_ptr<OperatorHarness> Start(OperatorHarness::Setup setup = OneMinuteGap()) {
  auto harness = OperatorHarness::Create(std::move(setup));
  EXPECT_TRUE(harness.ok()) << weir::FormatError(harness.status());
  return *std::move(harness);
}
// [setup]

// [first]
TEST(SpendingSession, EndsWhenTheCardPauses) {
  auto harness = Start();
  ASSERT_TRUE(
      harness
          ->SendRecords<Transaction>(
              {{1, "anna", 10, {1'000}}, {2, "bert", 5, {2'000}}, {3, "anna", 20, {31'000}}})
          .ok());
  ASSERT_TRUE(harness->AdvanceWatermark(61'999).ok());
  EXPECT_THAT(harness->Take(), IsEmpty());

  ASSERT_TRUE(harness->AdvanceWatermark(91'000).ok());
  EXPECT_THAT(harness->Take(), ElementsAre(HasSubstr(R"("card":"bert","payments":1,"total":5)"),
                                           HasSubstr(R"("card":"anna","payments":2,"total":30)")));
  EXPECT_EQ(harness->StateSize("open"), 0u);
  EXPECT_EQ(harness->timers(), 0u);
}
// [first]

TEST(SpendingSession, ResultsPrecedeTheirWatermark) {
  OperatorHarness::Setup setup = OneMinuteGap();
  setup.parallelism = 1;
  auto harness = Start(setup);
  ASSERT_TRUE(harness->Send({R"({"id":1,"card":"anna","amount":10,"at":0})"}).ok());
  ASSERT_TRUE(harness->AdvanceWatermark(60'000).ok());
  EXPECT_THAT(harness->TakeAll(), ElementsAre(HasSubstr("anna"), "watermark 60000"));
}

TEST(SpendingSession, WhatStandsOutIsToldAtOnce) {
  auto harness = Start();
  ASSERT_TRUE(harness
                  ->SendRecords<Transaction>(
                      {{1, "anna", 10, {0}}, {2, "anna", 31, {1}}, {3, "bert", 31, {2}}})
                  .ok());
  const std::vector<Suspect> suspects = harness->TakeRecords<Suspect>("suspects");
  ASSERT_EQ(suspects.size(), 1u);
  EXPECT_EQ(suspects[0].id, 2);
  EXPECT_EQ(suspects[0].mean, 10);
}

// [restore]
TEST(SpendingSession, SurvivesACrashAtAnotherParallelism) {
  auto harness = Start();
  ASSERT_TRUE(harness->SendRecords<Transaction>({{1, "anna", 10, {0}}, {2, "bert", 7, {0}}}).ok());
  const auto snapshot = harness->Snapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_TRUE(harness->SendRecords<Transaction>({{3, "anna", 99, {1}}}).ok());  // lost below

  ASSERT_TRUE(harness->Restore(*snapshot, /*parallelism=*/5).ok());
  ASSERT_TRUE(harness->SendRecords<Transaction>({{4, "anna", 1, {30'000}}}).ok());
  ASSERT_TRUE(harness->AdvanceWatermark(90'000).ok());
  EXPECT_THAT(harness->Take(),
              UnorderedElementsAre(HasSubstr(R"("card":"anna","payments":2,"total":11)"),
                                   HasSubstr(R"("card":"bert","payments":1,"total":7)")));
}
// [restore]

// [modes]
// Neither the cut of batches nor a crash after every step may change a result.
TEST(SpendingSession, IsTheSameInUnkindModes) {
  std::vector<std::vector<std::string>> results;
  for (int mode = 0; mode < 4; ++mode) {
    OperatorHarness::Setup setup = OneMinuteGap();
    setup.one_row_batches = (mode & 1) != 0;
    setup.restore_every_step = (mode & 2) != 0;
    auto harness = Start(setup);
    for (int64_t step = 0; step < 20; ++step) {
      const int64_t at = step * step * 1'000;
      ASSERT_TRUE(
          harness
              ->SendRecords<Transaction>(
                  {{step, "anna", 1, {at}}, {step, "bert", 2, {at / 2}}, {step, "carl", 50, {at}}})
              .ok());
      ASSERT_TRUE(harness->AdvanceWatermark(at - 1).ok());
    }
    results.push_back(harness->Take());
    EXPECT_THAT(results.back(), testing::SizeIs(testing::Gt(3u)));
    EXPECT_EQ(results.back(), results.front()) << "mode " << mode;
  }
}
// [modes]

TEST(SpendingSession, AWrongTopologyIsRefused) {
  OperatorHarness::Setup setup = OneMinuteGap();
  setup.inputs[0].schema = "{ id: int64, card: string?, amount: int64, at: timestamp_ms }";
  const auto harness = OperatorHarness::Create(setup);
  ASSERT_FALSE(harness.ok());
  EXPECT_EQ(weir::ErrorNumber(harness.status()), 1020);
  EXPECT_THAT(weir::FormatError(harness.status()),
              HasSubstr("field 'card' is string?, but the struct Transaction binds it as "
                        "std::string_view"));
}

}  // namespace
}  // namespace payments
