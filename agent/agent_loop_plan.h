// The operator type `agent_loop`: its options, and how they become a plan.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeAgentLoopType();

}  // namespace weir
