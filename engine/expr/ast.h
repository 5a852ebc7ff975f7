// The syntax tree of an expression. The parser makes it, the checker annotates it; the vector
// evaluator and the tests' naive interpreter both read it.
#pragma once

#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/expr/cel_type.h"
#include "engine/expr/functions.h"
#include "engine/model/value.h"

namespace weir::expr {

struct Position {
  int line = 1, column = 1;  // 1-based; columns count code points
};

struct Diagnostic {
  ErrorCode code;
  Position position;
  std::string message;
};

enum class NodeType : uint8_t {
  kLiteral,  // literal
  kIdent,    // name
  kSelect,   // args[0].name
  kHas,      // has(args[0].name)
  kCall,   // name(args...) or args[0].name(args[1]...) if member; operators are "_+_", "_&&_", ...
  kList,   // [args...]
  kMap,    // {args[0]: args[1], ...}
  kMacro,  // args[0].macro(name, args[1], args[2])
};

enum class Macro : uint8_t { kExists, kExistsOne, kAll, kMap, kMapIf, kFilter };

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

inline constexpr int kNoVariable = INT_MAX;

struct Expr {
  Expr(NodeType t, Position p) : node(t), position(p) {}

  NodeType node;
  Position position;  // of the operator or name that an error is about
  std::string name;
  Value literal;
  bool member = false;
  Macro macro = Macro::kExists;
  // "_&&_" and "_||_" take any number of arguments, so that long chains do not nest.
  std::vector<ExprPtr> args;
  std::vector<Position> operators;  // of such a chain, between its arguments
  std::string function_text;        // macro: its name as written
  int depth = 1;

  // Set by the checker.
  CelType type;
  FunctionId function = FunctionId::kNone;
  const Overload* overload = nullptr;  // null where a dyn argument leaves it open
  int column = -1;                     // ident: the schema's column
  int variable = -1;                   // ident and macro: number of the macro variable's scope
  bool reads_columns = false;
  int outermost_variable = kNoVariable;  // lowest scope number read inside but bound outside

  bool constant() const { return !reads_columns && outermost_variable == kNoVariable; }
};

}  // namespace weir::expr
