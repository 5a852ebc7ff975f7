// Reads a topology file for a command.
#pragma once

#include <memory>

#include "engine/cli/commands.h"
#include "engine/plan/load.h"

namespace weir {

// Prints what is wrong to stderr, warnings too; nullptr on errors.
std::unique_ptr<LoadedPlan> LoadOrPrint(const TopologyArgs& args, const Registry& registry,
                                        const Env& env);

}  // namespace weir
