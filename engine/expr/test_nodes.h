// Typed tests of one column-like argument: equality, membership in a constant list, regular
// expressions, not-null.
#pragma once

#include <memory>

#include "engine/expr/node.h"
#include "engine/expr/regex.h"

namespace weir::expr {

// a == b for two typed arguments of the same kind; null equals null only.
NodePtr MakeTypedEqual(bool negate, int id, NodePtr a, NodePtr b);

// value in [constants]; null if the list holds a value of another kind (null is allowed).
NodePtr MakeInConstants(int id, NodePtr* value, const Value::List& constants);

// text.matches(constant).
NodePtr MakeMatches(int id, NodePtr text, std::shared_ptr<const Regex> regex);

// has() of a struct's field: true unless null; errors pass.
NodePtr MakeNotNull(int id, NodePtr arg);

}  // namespace weir::expr
