// filter { where: CEL }: lets pass the rows for which an expression is true.
//
// Ports: "" = rows that pass; "errors" = rows for which the expression failed, as they came. A null
// result counts as false.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeFilterType();

}  // namespace weir
