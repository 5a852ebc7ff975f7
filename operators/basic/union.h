// union: puts several inputs of one schema into one stream. Rows of one input keep their order; the
// watermark is the lowest of the inputs'.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeUnionType();

}  // namespace weir
