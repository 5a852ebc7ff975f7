// sliding_count { key, where, window, as, allowed_lateness, cap, late }: adds to every row that
// satisfies `where` the number of such rows of its key, itself included, that have arrived so far
// and whose event time differs from its own by strictly less than `window`; 0 to every other row.
//
// Arrival order per key decides what "so far" means. A row is late iff its event time + window +
// allowed_lateness <= watermark: times that it would have to be compared with may be gone by then.
// Late rows are copied to port "late" and go on with 0 (`late: pass`), or only go to "late"
// (`late: side_output`).
//
// State: at most `cap` event times per key, dropped once no row in time can be compared with them;
// a key that has none left is removed by an event-time timer. Counts stop at `cap`. Beyond `cap`
// the oldest times are dropped first, so a row that is older than those may count too few.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeSlidingCountType();

}  // namespace weir
