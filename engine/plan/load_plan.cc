#include "engine/plan/load_plan.h"

#include <utility>

#include "engine/plan/overrides.h"
#include "engine/plan/yaml.h"

namespace weir {

std::unique_ptr<LoadedPlan> LoadPlan(const LoadRequest& request, const Registry& registry,
                                     Diagnostics* diagnostics) {
  diagnostics->SetSource(request.file, request.text);
  diagnostics->SetOverrides(request.sets);
  auto root = std::make_shared<YamlNode>();
  if (!ParseYaml(request.text, diagnostics, root.get())) return nullptr;
  ApplyOverrides(request.sets, diagnostics, root.get());
  ResolveVariables(request.variables, diagnostics, root.get());
  auto loaded = std::make_unique<LoadedPlan>();
  loaded->topology = ReadTopology(root, registry, diagnostics);
  loaded->topology.file = request.file;
  loaded->topology.read_file = request.read_file;
  auto plan = BuildPlan(loaded->topology, registry, diagnostics);
  if (!diagnostics->ok() || !plan.ok()) return nullptr;
  loaded->plan = std::move(*plan);
  return loaded;
}

}  // namespace weir
