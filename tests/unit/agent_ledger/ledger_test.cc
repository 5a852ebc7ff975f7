#include "agent/ledger.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "engine/base/fail_point.h"
#include "tests/unit/operators_aggregate/operator_rig.h"

namespace weir {
namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kDay = 86'400'000;

OperatorRig Rig(OptionTexts more = {}) {
  OptionTexts options = {{"key", {"src_ip"}}, {"id", {"host", "line"}}};
  options.insert(options.end(), more.begin(), more.end());
  return OperatorRig(MakeIdempotencyLedgerType(), options);
}

Event At(int64_t line, std::optional<std::string> src_ip = "a", std::string host = "h") {
  return {std::move(src_ip), line * 1000, "failed", line, std::move(host)};
}

TEST(Ledger, RepeatsInsideOneBatchGoAside) {
  OperatorRig rig = Rig();
  rig.Process({At(1), At(2), At(1), At(1), At(3)});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 2, 3}));
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{1, 1}));
}

TEST(Ledger, RepeatsAcrossBatchesGoAside) {
  OperatorRig rig = Rig();
  rig.Process({At(1), At(2)});
  rig.Process({At(2), At(3)});
  rig.Process({At(1), At(2), At(3)});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 2, 3}));
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{2, 1, 2, 3}));
  EXPECT_EQ(rig.Metric("weir_ledger_hits_total"), 4);
  EXPECT_EQ(rig.Metric("weir_ledger_misses_total"), 3);
}

TEST(Ledger, ABatchWithoutRepeatsIsPassedOnUncopied) {
  OperatorRig rig = Rig();
  RecordBatch batch = MakeBatch({At(1), At(2, std::string(100, 'x'))});
  const char* bytes = batch.column(3).String(1).data();
  rig.Process(std::move(batch));
  ASSERT_EQ(rig.emitted().size(), 1u);
  EXPECT_EQ(rig.emitted()[0].column(3).String(1).data(), bytes);
}

TEST(Ledger, AnEventIsKnownByAllItsFields) {
  OperatorRig rig = Rig();
  // Ids whose fields only differ in where one ends and the next begins.
  rig.Process({At(1), At(1, "a", "g"), At(1, "b"), At(1, std::nullopt), At(1, "", "ah"),
               At(1, "a", ""), At(1, std::nullopt)});
  EXPECT_EQ(rig.Take().size(), 6u);
  EXPECT_EQ(rig.Take(1).size(), 1u);
}

TEST(Ledger, TtlCountsFromTheFirstOccurrence) {
  OperatorRig rig = Rig();
  rig.now_ms = 5 * kDay;
  rig.Process({At(1), At(2)});
  rig.now_ms += kDay - 1;
  rig.Process({At(1)});  // still known, and no younger for it
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{1}));
  rig.now_ms += 1;
  rig.Process({At(1)});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 2, 1}));
  EXPECT_EQ(rig.Metric("weir_ledger_expired_total"), 1);
  while (rig.backend()->ReclaimExpired() > 0) {
  }
  EXPECT_EQ(rig.table("seen")->size(), 1u);
  rig.Process({At(1)});
  EXPECT_EQ(rig.Metric("weir_ledger_expired_total"), 2);
}

TEST(Ledger, EventTimeTtlFollowsTheWatermark) {
  OperatorRig rig = Rig({{"ttl", {"10s"}}, {"ttl_domain", {"event"}}});
  rig.Process({At(1)});
  rig.Watermark(100'000);
  rig.now_ms += 10 * kDay;
  rig.Process({At(1)});
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{1}));
  rig.Watermark(110'000);
  rig.Process({At(1)});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 1}));
}

TEST(Ledger, ARowWithoutAnyIdAlwaysPasses) {
  OperatorRig rig(MakeIdempotencyLedgerType(), {{"key", {"host"}}, {"id", {"src_ip"}}});
  rig.Process({At(1, std::nullopt), At(2, std::nullopt), At(3, "a"), At(4, "a")});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 2, 3}));
  EXPECT_EQ(rig.table("seen")->size(), 1u);
}

TEST(Ledger, KeyFieldsMayBePartOfTheId) {
  OperatorRig rig(MakeIdempotencyLedgerType(), {{"key", {"host"}}, {"id", {"host", "line"}}});
  rig.Process({At(1), At(1, "b"), At(1, "a", "g")});
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{1}));
}

TEST(Ledger, PlanningErrorsNameTheirOptions) {
  const auto errors =
      OperatorRig::PlanErrorsOf(MakeIdempotencyLedgerType(), {{"key", {"nobody"}}, {"id", {}}});
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].substr(0, 15), "key: WEIR-1021:");
  EXPECT_EQ(errors[1], "id: WEIR-1021: id names no field");
}

TEST(Ledger, ThePlantedBugForgets) {
  struct Planted : FailPoints {
    void Hit(std::string_view point) override { points.emplace_back(point); }
    bool Bug(std::string_view id) const override { return id == "H-20"; }
    std::vector<std::string> points;
  } planted;
  SetFailPoints(&planted);
  OperatorRig rig = Rig();
  rig.Process({At(1)});
  rig.now_ms += 1;
  rig.Process({At(1)});
  SetFailPoints(nullptr);
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 1}));
  EXPECT_EQ(planted.points,
            (std::vector<std::string>{"ledger.write.before", "ledger.write.after",
                                      "ledger.write.before", "ledger.write.after"}));
}

RC_GTEST_PROP(Ledger, PassesEachIdOnceWhateverTheBatchesAndRestores, ()) {
  OperatorRig rig = Rig();
  std::set<std::pair<int64_t, std::string>> known;
  Ints first, repeated;
  std::vector<Event> batch;
  for (const int r : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3000))) {
    const Event e = At(r % 20, "a", std::string(1, static_cast<char>('a' + r % 3)));
    (known.insert({e.line, e.host}).second ? first : repeated).push_back(e.line);
    batch.push_back(e);
    if (r % 4 != 0) continue;
    rig.Process(batch);
    batch.clear();
    if (r % 16 == 0) rig.SnapshotRestore();
  }
  if (!batch.empty()) rig.Process(batch);
  RC_ASSERT(rig.TakeInts("line") == first);
  RC_ASSERT(rig.TakeInts("line", 1) == repeated);
}

}  // namespace
}  // namespace weir
