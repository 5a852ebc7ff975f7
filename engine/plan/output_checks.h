// What a whole plan writes, checked once all of its nodes stand.
#pragma once

#include "engine/plan/plan.h"
#include "engine/plan/topology.h"
#include "engine/yaml/diagnostics.h"

namespace weir {

// What a source's second output is called, and what on_error may say.
inline constexpr char kDeadLetter[] = "dead_letter";

// Dead letters that lead nowhere, and sinks that write what a source reads.
void CheckWhatIsWritten(const LogicalPlan& plan, const Topology& topology,
                        Diagnostics* diagnostics);

}  // namespace weir
