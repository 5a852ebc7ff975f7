// The option table of `agent_loop`, and the way from options to a config.
#pragma once

#include <memory>
#include <vector>

#include "agent/agent_loop_config.h"
#include "engine/core/registry.h"

namespace weir {

std::vector<OptionDef> AgentLoopOptions();
// Everything that options alone decide; nullptr after errors were added to context.errors.
std::shared_ptr<AgentLoopConfig> ReadAgentLoopOptions(const OperatorPlanContext& context);

}  // namespace weir
