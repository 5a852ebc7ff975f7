// The whole way from a topology's text to its checked plan.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/plan/diagnostics.h"
#include "engine/plan/plan.h"
#include "engine/plan/topology.h"
#include "engine/plan/variables.h"

namespace weir {

struct LoadRequest {
  std::string file;                 // as the user named it; used in messages
  std::string text;
  std::vector<std::string> sets;    // "a.b=c"
  VariableLookup variables;
  // Reads a file named in an option; the path is relative to the topology's folder.
  std::function<StatusOr<std::string>(const std::string& path)> read_file;
};

struct LoadedPlan {
  Topology topology;
  PhysicalPlan plan;
};

// nullptr exactly if *diagnostics holds an error.
std::unique_ptr<LoadedPlan> LoadPlan(const LoadRequest& request, const Registry& registry,
                                     Diagnostics* diagnostics);

}  // namespace weir
