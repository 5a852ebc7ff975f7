// Text to syntax tree, by recursive descent; macros are recognised here.
#pragma once

#include <string_view>
#include <variant>

#include "engine/expr/ast.h"

namespace weir::expr {

struct ParseLimits {
  size_t max_length;
  int max_depth;
};

// The tree, or the first syntax error.
std::variant<ExprPtr, Diagnostic> Parse(std::string_view text, const ParseLimits& limits);

}  // namespace weir::expr
