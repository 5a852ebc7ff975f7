// The whole way from a file to a plan: parse, override, resolve variables, check, plan.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/status.h"
#include "engine/core/registry.h"
#include "engine/plan/plan.h"
#include "engine/plan/topology.h"
#include "engine/plan/variables.h"
#include "engine/yaml/diagnostics.h"

namespace weir {

struct PlanSource {
  std::string file;                    // as it is shown in messages
  std::string text;                    // YAML
  std::vector<std::string> overrides;  // "a.b=c"
  VariableLookup variable;
  std::function<StatusOr<std::string>(const std::string& path)> read_file;
};

struct LoadedPlan {
  Topology topology;
  PhysicalPlan plan;
};

// *diagnostics gets every problem; the result is an error exactly if one of them is an error.
StatusOr<LoadedPlan> LoadPlan(const PlanSource& source, const Registry& registry,
                              Diagnostics* diagnostics);

// Reads the file through env.fs; variables come from env, files named in options are read relative
// to the file's folder.
StatusOr<LoadedPlan> LoadPlanFile(const Env& env, const std::string& path,
                                  const std::vector<std::string>& overrides,
                                  const Registry& registry, Diagnostics* diagnostics);

}  // namespace weir
