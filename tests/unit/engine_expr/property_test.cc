// The vector evaluator and the naive interpreter agree on random expressions over random batches.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <variant>

#include "engine/expr/checker.h"
#include "engine/expr/parser.h"
#include "tests/unit/engine_expr/expression_generator.h"
#include "tests/unit/engine_expr/naive_interpreter.h"
#include "tests/unit/engine_expr/test_support.h"

namespace weir::testing {

namespace {

constexpr size_t kRows = 6;

// More than rapidcheck's 100 cases, unless the caller says otherwise.
const int kConfigured = setenv("RC_PARAMS", "max_success=1000", 0);

std::vector<std::string> Naive(const std::string& text, const RecordBatch& batch) {
  auto parsed = expr::Parse(text, {1 << 20, 200});
  expr::Expr* root = std::get<expr::ExprPtr>(parsed).get();
  std::vector<expr::Diagnostic> errors;
  expr::CheckTypes(*AllTypes(), root, &errors);
  std::vector<std::string> out;
  for (size_t r = 0; r < batch.rows(); ++r) {
    const naive::Result result = naive::Interpreter(batch, r).Eval(*root);
    out.push_back(result ? Show(*result) : "error");
  }
  return out;
}

std::vector<std::string> Engine(ExprProgram& program, const RecordBatch& batch,
                                std::span<const uint32_t> rows) {
  std::vector<EvalResult> results;
  program.Eval(batch, rows, &results);
  std::vector<std::string> out;
  for (const EvalResult& result : results) {
    out.push_back(result.error.empty() ? Show(result.value) : "error");
  }
  return out;
}

std::unique_ptr<ExprProgram> Compile(const std::string& text, std::optional<TypeKind> result) {
  ExprOptions options;
  options.max_cost = INT64_MAX;
  options.max_length = 1 << 20;
  options.max_depth = 200;
  options.result = result;
  auto program = CompileExpr(text, *AllTypes(), options);
  if (!program.ok()) RC_FAIL(text + "\n" + std::string(ToStd(program.status().message())));
  return *std::move(program);
}

void Compare(const std::string& text, const std::vector<std::string>& expected,
             const std::vector<std::string>& got) {
  for (size_t r = 0; r < expected.size(); ++r) {
    if (got[r] == expected[r]) continue;
    RC_FAIL(text + "\nrow " + std::to_string(r) + ": naive " + expected[r] + ", engine " + got[r]);
  }
}

// Some rows only, then all rows: what one evaluation leaves behind must not show in the next.
void CheckEval(const std::string& text, const RecordBatch& batch, Choices* choices) {
  const std::vector<std::string> expected = Naive(text, batch);
  const auto program = Compile(text, std::nullopt);
  std::vector<uint32_t> all, some;
  std::vector<std::string> some_expected;
  for (uint32_t r = 0; r < batch.rows(); ++r) {
    all.push_back(r);
    if (choices->Below(2) == 1) continue;
    some.push_back(r);
    some_expected.push_back(expected[r]);
  }
  for (int round = 0; round < 2; ++round) {
    if (Engine(*program, batch, some) != some_expected) RC_FAIL("some rows: " + text);
    Compare(text, expected, Engine(*program, batch, all));
  }
}

void CheckFilter(const std::string& text, const RecordBatch& batch) {
  const std::vector<std::string> expected = Naive(text, batch);
  std::vector<uint32_t> expected_pass, expected_failed, pass, failed;
  for (uint32_t r = 0; r < batch.rows(); ++r) {
    if (expected[r] == "true") expected_pass.push_back(r);
    if (expected[r] == "error") expected_failed.push_back(r);
  }
  std::string error;
  const auto program = Compile(text, TypeKind::kBool);
  program->Filter(batch, &pass, &failed, &error);
  if (pass != expected_pass || failed != expected_failed || error.empty() != failed.empty()) {
    RC_FAIL("filter: " + text);
  }
  // No row that differs from a conjunct passes, or fails: the index of rules relies on it.
  pass.insert(pass.end(), failed.begin(), failed.end());
  for (const EqualityConjunct& conjunct : program->conjuncts()) {
    for (const uint32_t r : pass) {
      const Value value = GetValue(batch.column(conjunct.column), r);
      if (!(value == conjunct.constant)) RC_FAIL("conjunct: " + text);
    }
  }
}

TEST(Property, EqualToNaiveInterpreter) {
  static constexpr expr::Kind kKinds[] = {
      expr::Kind::kBool, expr::Kind::kInt,   expr::Kind::kDouble,    expr::Kind::kString,
      expr::Kind::kUint, expr::Kind::kBytes, expr::Kind::kTimestamp, expr::Kind::kDuration,
      expr::Kind::kList, expr::Kind::kDyn};
  ASSERT_EQ(kConfigured, 0);
  EXPECT_TRUE(rc::check("vector evaluator == naive interpreter", [] {
    const auto list = *rc::gen::container<std::vector<uint32_t>>(600, rc::gen::inRange(0u, 5040u));
    Choices choices(list);
    const RecordBatch batch = RandomBatch(&choices, kRows);
    for (int i = 0; i < 5; ++i) {
      ExpressionGenerator generator(&choices);
      CheckEval(generator.Make(kKinds[choices.Below(10)], 4), batch, &choices);
      CheckFilter(generator.Make(expr::Kind::kBool, 4), batch);
    }
  }));
}

}  // namespace

}  // namespace weir::testing
