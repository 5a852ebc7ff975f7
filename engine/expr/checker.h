// Types every node of a tree against a schema and resolves names and overloads.
#pragma once

#include <vector>

#include "engine/expr/ast.h"
#include "engine/model/types.h"

namespace weir::expr {

// Annotates the tree; appends every error found.
void CheckTypes(const Schema& schema, Expr* root, std::vector<Diagnostic>* errors);

}  // namespace weir::expr
