#include "engine/cli/load.h"

#include <iostream>

namespace weir {

std::unique_ptr<LoadedPlan> LoadOrPrint(const TopologyArgs& args, const Registry& registry,
                                        const Env& env) {
  Diagnostics diagnostics;
  auto loaded = LoadPlanFile(env, args.file, args.sets, registry, &diagnostics);
  const std::string report = diagnostics.Render();
  std::cerr << report;
  if (!loaded.ok()) {
    if (report.empty()) std::cerr << "weir: " << FormatError(loaded.status()) << "\n";
    return nullptr;
  }
  return std::make_unique<LoadedPlan>(std::move(*loaded));
}

}  // namespace weir
