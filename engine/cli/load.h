// Reads a topology file for a command; prints what is wrong with it to stderr.
#pragma once

#include <memory>

#include "engine/cli/commands.h"
#include "engine/plan/load_plan.h"

namespace weir {

// nullptr after the problems were printed. Warnings are printed too.
std::unique_ptr<LoadedPlan> LoadPlanFile(const TopologyArgs& args, const Registry& registry,
                                         const Env& env);

}  // namespace weir
