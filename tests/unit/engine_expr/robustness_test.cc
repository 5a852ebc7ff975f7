// Texts that nobody meant as expressions: compiling them ends, with an answer.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

#include "tests/unit/engine_expr/conformance_table.h"
#include "tests/unit/engine_expr/test_support.h"

namespace weir::testing {

namespace {

std::vector<std::string> AllExpressions() {
  std::vector<std::string> out;
  for (const auto cases : {BasicCases(), FunctionCases(), ValueCases(), NullCases()}) {
    for (const Case& c : cases) out.emplace_back(c.expression);
  }
  return out;
}

void CompileAndRun(const std::string& text, const RecordBatch& batch) {
  ExprOptions options;
  options.max_length = 4096;
  const size_t errors = CheckExpr(text, *AllTypes(), options).size();
  auto program = CompileExpr(text, *AllTypes(), options);
  if (program.ok() != (errors == 0)) RC_FAIL("CheckExpr and CompileExpr disagree: " + text);
  if (!program.ok()) return;
  std::vector<EvalResult> results;
  const uint32_t rows[] = {0, 1};
  (*program)->Eval(batch, rows, &results);
}

TEST(Robustness, DamagedExpressions) {
  const std::vector<std::string> expressions = AllExpressions();
  const RecordBatch batch = TwoRows();
  EXPECT_GT(expressions.size(), 600u);
  EXPECT_TRUE(rc::check("damaged expressions", [&] {
    std::string text = *rc::gen::elementOf(expressions);
    const std::string other = *rc::gen::elementOf(expressions);
    for (int n = *rc::gen::inRange(1, 5); n > 0; --n) {
      const size_t at = *rc::gen::inRange<size_t>(0, text.size() + 1);
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          text.erase(at, 1);
          break;
        case 1:
          text.insert(at, 1, *rc::gen::elementOf(std::string("()[]{}.,?:!-+'\"\\&|=<>0aru \n")));
          break;
        case 2:
          text.insert(at, other.substr(0, *rc::gen::inRange<size_t>(0, other.size() + 1)));
          break;
        default:
          text.insert(at, 1, *rc::gen::arbitrary<char>());
          break;
      }
    }
    CompileAndRun(text, batch);
  }));
}

// Every prefix of every case: most end in the middle of something.
TEST(Robustness, Prefixes) {
  const RecordBatch batch = TwoRows();
  for (const std::string& text : AllExpressions()) {
    for (size_t n = 0; n < text.size(); ++n) CompileAndRun(text.substr(0, n), batch);
  }
}

}  // namespace

}  // namespace weir::testing
