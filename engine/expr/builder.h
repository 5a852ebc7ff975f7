// Turns a checked tree into vector nodes: picks kernels, folds constants, finds conjuncts.
#pragma once

#include <vector>

#include "engine/expr/ast.h"
#include "engine/expr/node.h"
#include "engine/expr/program.h"

namespace weir::expr {

struct Built {
  NodePtr root;                     // null if there are errors
  std::vector<Position> positions;  // by node id
  std::vector<EqualityConjunct> conjuncts;
  std::vector<int> columns;
};

// The root gets the kind `result` if given; a dyn result is then converted at run time.
Built Build(const Expr& root, std::optional<Kind> result, std::vector<Diagnostic>* errors);

}  // namespace weir::expr
