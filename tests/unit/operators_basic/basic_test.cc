#include <gtest/gtest.h>

#include "operators/basic/filter.h"
#include "operators/basic/select.h"
#include "operators/basic/union.h"
#include "tests/unit/operators_aggregate/operator_rig.h"

namespace weir {
namespace {

using Ints = std::vector<int64_t>;
using Texts = std::vector<std::string>;

TEST(Filter, LetsPassWhatIsTrue) {
  OperatorRig rig(MakeFilterType(), {{"where", {"src_ip == 'a'"}}});
  rig.Process({{"a", 1, "x", 1}, {"b", 2, "x", 2}, {std::nullopt, 3, "x", 3}, {"a", 4, "x", 4}});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 4}));
  rig.Process({{"b", 1}});
  EXPECT_TRUE(rig.emitted().empty());
}

TEST(Filter, MovesABatchThatPassesWhole) {
  OperatorRig rig(MakeFilterType(), {{"where", {"line > 0"}}});
  RecordBatch batch = MakeBatch({{std::string(100, 'x'), 1, "x", 1}});
  const char* bytes = batch.column(3).String(0).data();
  rig.Process(std::move(batch));
  EXPECT_EQ(rig.emitted().at(0).column(3).String(0).data(), bytes);
}

TEST(Filter, RowsOnWhichItFailsGoToErrors) {
  OperatorRig rig(MakeFilterType(), {{"where", {"10 / line > 1"}}});
  rig.Process({{"a", 1, "x", 1}, {"a", 2, "x", 0}, {"a", 3, "x", 100}});
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1}));
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{0}));
  EXPECT_EQ(rig.Metric("weir_expression_errors_total"), 1);
}

TEST(Filter, RefusesWhatIsNoCondition) {
  for (const char* where : {"line + 1", "nothing > 1", "line >"}) {
    EXPECT_EQ(OperatorRig::PlanErrorsOf(MakeFilterType(), {{"where", {where}}}).size(), 1u)
        << where;
  }
}

TEST(Select, MakesTheRowsOfANewSchema) {
  OperatorRig rig(MakeSelectType(), {{"fields",
                                      {"at", "ts", "ip", "src_ip", "again", "src_ip",  //
                                       "double", "line * 2", "bad", "kind == 'failed'"}}});
  EXPECT_EQ(rig.plan().outputs[0].schema->ToString(),
            "{at: timestamp_ms, ip: string?, again: string?, double: int64?, bad: bool?}");
  EXPECT_EQ(rig.plan().outputs[0].event_time_field, 0);
  rig.Process({{"a", 5, "failed", 3}, {std::nullopt, 6, "other", 4}});
  EXPECT_EQ(rig.emitted().at(0).event_time, (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(rig.emitted().at(0).origin[1].offset, 4);
  EXPECT_EQ(rig.Take(), (Texts{R"({"at":5,"ip":"a","again":"a","double":6,"bad":true})",
                               R"({"at":6,"ip":null,"again":null,"double":8,"bad":false})"}));
}

TEST(Select, RowsOnWhichAnExpressionFailsGoToErrors) {
  OperatorRig rig(MakeSelectType(), {{"fields",
                                      {"line", "line", "a", "10 / line", "b",  //
                                       "line * 4611686018427387904"}}});
  rig.Process({{"a", 1, "x", 0}, {"a", 2, "x", 1}, {"a", 3, "x", 2}});
  EXPECT_EQ(rig.Take(), (Texts{R"({"line":1,"a":10,"b":4611686018427387904})"}));
  EXPECT_EQ(rig.TakeInts("line", 1), (Ints{0, 2}));
  EXPECT_EQ(rig.Metric("weir_expression_errors_total"), 2);
  rig.Process({{"a", 1, "x", 0}});
  EXPECT_TRUE(rig.emitted().empty());
}

TEST(Select, PlanningErrorsNameTheField) {
  const auto errors = OperatorRig::PlanErrorsOf(
      MakeSelectType(), {{"fields", {"1st", "line", "x", "nothing", "y", "[line]", "ok", "line"}}});
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0].substr(0, 22), "fields.1st: WEIR-1012:");
  EXPECT_EQ(errors[1].substr(0, 20), "fields.x: WEIR-6003:");
  EXPECT_EQ(errors[2].substr(0, 20), "fields.y: WEIR-6002:");
  EXPECT_EQ(OperatorRig::PlanErrorsOf(MakeSelectType(), {{"fields", {}}}).size(), 1u);
}

TEST(Union, PutsInputsTogether) {
  const SchemaPtr same = MakeSchema(EventSchema()->fields());
  OperatorRig rig(MakeUnionType(), {}, {EventSchema(), same});
  rig.Process(MakeBatch({{"a", 1, "x", 1}}), 0);
  rig.Process(MakeBatch({{"b", 2, "x", 2}}, same), 1);
  EXPECT_EQ(rig.TakeInts("line"), (Ints{1, 2}));
  EXPECT_EQ(rig.plan().outputs[0].event_time_field, 2);
}

TEST(Union, RefusesInputsThatDiffer) {
  auto fields = EventSchema()->fields();
  fields[0].nullable = true;
  const auto errors =
      OperatorRig::PlanErrorsOf(MakeUnionType(), {}, {EventSchema(), MakeSchema(fields)});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("WEIR-1020: input 'in1' has {host: string?"), std::string::npos);
}

}  // namespace
}  // namespace weir
