// The program's own functions: Filter, Eval, EvalColumn, conjuncts, columns, type, cost.
#include <gtest/gtest.h>

#include "tests/unit/engine_expr/test_support.h"

namespace weir::testing {

namespace {

std::unique_ptr<ExprProgram> Compile(std::string_view text, ExprOptions options = {}) {
  auto program = CompileExpr(text, *AllTypes(), options);
  WEIR_CHECK(program.ok(), ToStd(program.status().message()));
  return *std::move(program);
}

std::string Conjuncts(std::string_view text) {
  std::string out;
  const auto program = Compile(text);
  for (const EqualityConjunct& c : program->conjuncts()) {
    out += AllTypes()->field(c.column).name + "=" + Show(c.constant) + " ";
  }
  return out;
}

TEST(Program, FilterTakesTrueOnly) {
  const RecordBatch batch = TwoRows();
  std::vector<uint32_t> pass, failed;
  std::string error;
  Compile("i >= 0")->Filter(batch, &pass, &failed, &error);
  EXPECT_EQ(pass, (std::vector<uint32_t>{0, 1}));
  Compile("bn")->Filter(batch, &pass, &failed, &error);
  EXPECT_EQ(pass, (std::vector<uint32_t>{0, 1, 0})) << "appends; null counts as false";
  EXPECT_TRUE(failed.empty());
  Compile("s == 'failed' ||\n 1 / i > 0")->Filter(batch, &pass, &failed, &error);
  EXPECT_EQ(pass, (std::vector<uint32_t>{0, 1, 0, 0}));
  EXPECT_EQ(failed, (std::vector<uint32_t>{1}));
  EXPECT_EQ(error, "2:4: division by zero");
}

TEST(Program, FilterOverJsonChecksTheTypeAtRunTime) {
  const RecordBatch batch = TwoRows();
  ExprOptions options;
  options.result = TypeKind::kBool;
  std::vector<uint32_t> pass, failed;
  std::string error;
  Compile("x == null ? x : x.a", options)->Filter(batch, &pass, &failed, &error);
  EXPECT_TRUE(pass.empty());
  EXPECT_EQ(failed, (std::vector<uint32_t>{0}));
  EXPECT_EQ(error, "1:11: result has another type than required");
}

TEST(Program, EvalOfSomeRowsInAnyOrder) {
  const RecordBatch batch = TwoRows();
  std::vector<EvalResult> out;
  const uint32_t rows[] = {1, 0, 1};
  Compile("[i].map(v, v + 1)[0]")->Eval(batch, rows, &out);
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(Show(out[0].value) + Show(out[1].value) + Show(out[2].value), "181");
}

TEST(Program, EvalColumn) {
  const RecordBatch batch = TwoRows();
  const auto column = [&](std::string_view text, ExprOptions options = {}) {
    auto program = Compile(text, options);
    Column out(*program->type());
    std::vector<uint32_t> failed;
    std::string error;
    program->EvalColumn(batch, &out, &failed, &error);
    std::string shown = Show(GetValue(out, 0)) + " " + Show(GetValue(out, 1));
    for (const uint32_t r : failed) shown += " !" + std::to_string(r) + " " + error;
    return shown;
  };
  EXPECT_EQ(column("i + 1"), "8 1");
  EXPECT_EQ(column("j"), "5 null");
  EXPECT_EQ(column("s + 'x'"), "'failedx' 'x'");
  EXPECT_EQ(column("s"), "'failed' ''");
  EXPECT_EQ(column("1"), "1 1");
  EXPECT_EQ(column("y"), "b'ab' b''");
  EXPECT_EQ(column("t"), "ts(1234567890250) ts(0)");
  EXPECT_EQ(column("d > 1.0"), "true false");
  EXPECT_EQ(column("d"), "2.5 0.0");
  EXPECT_EQ(column("j * 2"), "10 null !1 1:3: no such overload");
  EXPECT_EQ(column("li.map(v, string(v))"), "['1', '2', '3'] []");
  ExprOptions json;
  json.result = TypeKind::kJson;
  EXPECT_EQ(column("x == null ? i : x.a", json), "1 0");
  EXPECT_EQ(column("i", json), "7 0");
}

TEST(Program, Types) {
  EXPECT_EQ(Compile("i")->type()->ToString(), "int64");
  EXPECT_EQ(Compile("li.map(v, s)")->type()->ToString(), "list<string>");
  EXPECT_EQ(Compile("ls")->type()->ToString(), "list<string?>");
  EXPECT_EQ(Compile("st")->type()->ToString(), AllTypes()->field(14).type.ToString());
  EXPECT_EQ(Compile("m")->type()->ToString(), "map<string, int64>");
  EXPECT_FALSE(Compile("x.a")->type().has_value());
  EXPECT_FALSE(Compile("1u")->type().has_value()) << "no column holds uint";
  ExprOptions options;
  options.result = TypeKind::kInt64;
  EXPECT_EQ(Compile("x.a", options)->type()->ToString(), "int64");
}

TEST(Program, Conjuncts) {
  EXPECT_EQ(Conjuncts("s == 'a'"), "s='a' ");
  EXPECT_EQ(Conjuncts("'a' == s && i > 3 && (i == 1 + 1 && b)"), "s='a' i=2 ");
  EXPECT_EQ(Conjuncts("s == 'a' || i == 1"), "");
  EXPECT_EQ(Conjuncts("!(s == 'a')"), "");
  EXPECT_EQ(Conjuncts("s != 'a' && sn == null"), "");
  EXPECT_EQ(Conjuncts("sn == 'a' && x == 1 && d == 1.0 && t == timestamp(5)"),
            "sn='a' t=ts(5000) ");
  EXPECT_EQ(Conjuncts("b ? s == 'a' : false"), "");
  EXPECT_EQ(Conjuncts("st.b == 'a' && i == j"), "");
}

TEST(Program, ColumnsAndCost) {
  EXPECT_EQ(Compile("s == 'a' && i > j && s != sn")->columns(), (std::vector<int>{0, 1, 3, 4}));
  EXPECT_TRUE(Compile("1 + 1 == 2")->columns().empty());
  EXPECT_EQ(Compile("li.map(i, i)")->columns(), (std::vector<int>{11}));
  EXPECT_LT(Compile("i == 1")->cost(), 5);
  EXPECT_GT(Compile("s.matches('a.*b')")->cost(), 50);
  EXPECT_GT(Compile("li.exists(v, v == 1)")->cost(), 100);
  EXPECT_LT(Compile("[1, 2].exists(v, v == i)")->cost(), 20);
}

TEST(Program, LargeValuesAreErrors) {
  ExprOptions options;
  options.max_cost = INT64_MAX;
  std::string text =
      "'" + std::string(600'000, 'a') + "' + s + '" + std::string(600'000, 'b') + "'";
  options.max_length = text.size();
  auto program = Compile(text, options);
  std::vector<EvalResult> out;
  const uint32_t rows[] = {0};
  program->Eval(TwoRows(), rows, &out);
  EXPECT_NE(out[0].error.find("too large"), std::string::npos);
}

TEST(Program, ReusedOverBatchesOfDifferentSize) {
  auto program = Compile("s + string(i) + x.s");
  std::vector<EvalResult> out;
  for (int n : {1, 50, 3, 200}) {
    RecordBatch batch(AllTypes());
    const RecordBatch source = TwoRows();
    std::vector<uint32_t> rows;
    for (int i = 0; i < n; ++i) {
      batch.AppendRow(source, 0);
      rows.push_back(static_cast<uint32_t>(i));
    }
    program->Eval(batch, rows, &out);
    for (const EvalResult& result : out) EXPECT_EQ(Show(result.value), "'failed7q'");
  }
}

}  // namespace

}  // namespace weir::testing
