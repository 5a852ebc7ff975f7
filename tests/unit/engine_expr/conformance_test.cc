#include "tests/unit/engine_expr/conformance_table.h"

#include <gtest/gtest.h>

#include <variant>

#include "engine/expr/checker.h"
#include "engine/expr/parser.h"
#include "tests/unit/engine_expr/naive_interpreter.h"
#include "tests/unit/engine_expr/test_support.h"

namespace weir::testing {

namespace {

void CheckAll(std::span<const Case> cases, size_t row) {
  for (const Case& c : cases) {
    EXPECT_EQ(Evaluate(c.expression, row), c.expected) << c.expression;
  }
}

TEST(Conformance, Basic) { CheckAll(BasicCases(), 0); }
TEST(Conformance, Functions) { CheckAll(FunctionCases(), 0); }
TEST(Conformance, Values) { CheckAll(ValueCases(), 0); }
TEST(Conformance, Null) { CheckAll(NullCases(), 1); }

// The same inside a macro's body and both branches of a conditional.
TEST(Conformance, SameInsideOthers) {
  for (const auto cases : {BasicCases(), ValueCases()}) {
    for (const Case& c : cases) {
      const std::string wrapped =
          std::string("[b].map(q, q ? (") + c.expression + "\n) : (" + c.expression + "\n))";
      const std::string got = Evaluate(wrapped, 0);
      const std::string expected = c.expected;
      EXPECT_EQ(got, expected.starts_with("error") ? expected : "[" + expected + "]") << wrapped;
    }
  }
}

// The oracle itself has to agree with the table wherever it knows the functions used.
TEST(Conformance, NaiveInterpreterAgrees) {
  const RecordBatch batch = TwoRows();
  size_t row = 0;
  for (const auto cases : {BasicCases(), ValueCases(), NullCases()}) {
    if (cases.data() == NullCases().data()) row = 1;
    for (const Case& c : cases) {
      auto parsed = expr::Parse(c.expression, {4096, 64});
      std::vector<expr::Diagnostic> errors;
      expr::Expr* root = std::get<expr::ExprPtr>(parsed).get();
      expr::CheckTypes(*AllTypes(), root, &errors);
      ASSERT_TRUE(errors.empty()) << c.expression;
      const naive::Result result = naive::Interpreter(batch, row).Eval(*root);
      const std::string got = result ? Show(*result) : "error";
      const std::string expected = c.expected;
      EXPECT_EQ(got, expected.starts_with("error") ? "error" : expected) << c.expression;
    }
  }
}

}  // namespace

}  // namespace weir::testing
