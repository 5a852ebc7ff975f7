// Static bound on the steps that evaluating one row may take (docs/cel.md has the model).
#pragma once

#include <cstdint>

#include "engine/expr/ast.h"

namespace weir::expr {

// Assumed where nothing better is known.
inline constexpr int64_t kAssumedListItems = 100;
inline constexpr int64_t kAssumedStringBytes = 256;

int64_t EstimateCost(const Expr& root);

}  // namespace weir::expr
