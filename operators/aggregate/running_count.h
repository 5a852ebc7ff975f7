// running_count { key, where, as, include_current }: adds to every row the number of rows of its
// key that satisfied `where` so far, whether or not the row itself satisfies it.
//
// State: one number per key that has ever been counted; kept for ever.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeRunningCountType();

}  // namespace weir
