// From one node of the plan to the operator or source that runs it.
#pragma once

#include <memory>

#include "engine/core/registry.h"
#include "engine/plan/plan.h"
#include "engine/runtime/chain_node.h"

namespace weir {

struct NodeFactoryOptions {
  bool until_end = false;
};

// The operator or source of one subtask, without state or wiring.
StatusOr<NodeConfig> MakeNode(const PhysicalPlan& plan, const LogicalNode& node, int subtask,
                              int64_t epoch, const Registry& registry, const Env& env,
                              const NodeFactoryOptions& options);

}  // namespace weir
