// idempotency_ledger { key, id, ttl, ttl_domain }: lets pass the first row of every (key, id) and
// leads repeats aside, before anything downstream counts or pays for them (DESIGN section 2).
//
// Ports: "" = first occurrences, "duplicates" = repeats; both as they came. The age of an id counts
// from its first occurrence: repeats neither prolong it nor change any state. A row whose id fields
// are all null has no identity and always passes.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeIdempotencyLedgerType();

}  // namespace weir
