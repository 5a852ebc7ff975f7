// The oracle: walks an expression's tree over Values, one row at a time, in the most obvious way.
// Shares the tree with the engine, and none of its evaluation code: numbers are compared as long
// double (which holds every int64, uint64 and double), calendars come from <chrono>, strings are
// decoded to arrays of code points.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/expr/ast.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir::naive {

// nullopt = error.
using Result = std::optional<Value>;
using Args = std::vector<Value>;

class Interpreter {
 public:
  Interpreter(const RecordBatch& batch, size_t row) : batch_(batch), row_(row) {}
  Result Eval(const expr::Expr& e);

 private:
  Result EvalCall(const expr::Expr& e);
  Result EvalLogic(const expr::Expr& e, bool decisive);
  Result EvalMacro(const expr::Expr& e);
  Result EvalMapLiteral(const expr::Expr& e);
  Result EvalSelect(const expr::Expr& e, bool test_only);

  const RecordBatch& batch_;
  const size_t row_;
  std::vector<std::pair<std::string, Value>> scope_;
};

bool Equal(const Value& a, const Value& b);
// Any strict function by its name in the tree ("_+_", "startsWith").
Result CallFunction(const std::string& name, bool member, const Args& args);

// Used by CallFunction.
Result CallOperator(const std::string& name, const Args& args);
Result CallConversion(const std::string& name, const Value& v);
Result CallString(const std::string& name, const Args& args);
Result CallTime(const std::string& name, const Args& args);

}  // namespace weir::naive
