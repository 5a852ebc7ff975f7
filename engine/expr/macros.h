// Calls that are syntax rather than functions: has() and the macros over lists and maps.
#pragma once

#include <optional>

#include "engine/expr/ast.h"

namespace weir::expr {

// Turns the call has(a.b) into its own kind of node; leaves every other call alone.
std::optional<Diagnostic> RecogniseHas(ExprPtr* call);

// Turns list.exists(v, p) and its like into a macro node; leaves every other call alone.
std::optional<Diagnostic> RecogniseMacro(Expr* call);

}  // namespace weir::expr
