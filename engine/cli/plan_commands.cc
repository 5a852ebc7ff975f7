// Commands that look at a topology without running it.
#include <iostream>

#include "engine/cli/commands.h"
#include "engine/cli/load.h"
#include "engine/plan/explain.h"
#include "engine/plan/reference.h"

namespace weir {

int ValidateCommand(const TopologyArgs& args, const Registry& registry, const Env& env) {
  const auto loaded = LoadOrPrint(args, registry, env);
  if (loaded == nullptr) return kExitConfig;
  std::cout << args.file << ": OK (" << loaded->plan.logical.nodes.size() << " nodes in "
            << loaded->plan.tasks.size() << " tasks, " << loaded->plan.subtasks() << " subtasks)\n";
  return kExitOk;
}

int ExplainCommand(const TopologyArgs& args, const Registry& registry, const Env& env) {
  const auto loaded = LoadOrPrint(args, registry, env);
  if (loaded == nullptr) return kExitConfig;
  std::cout << ExplainPlan(loaded->plan);
  return kExitOk;
}

int GraphCommand(const TopologyArgs& args, const std::string& format, const Registry& registry,
                 const Env& env) {
  const auto loaded = LoadOrPrint(args, registry, env);
  if (loaded == nullptr) return kExitConfig;
  std::cout << (format == "dot"    ? GraphDot(loaded->plan)
                : format == "json" ? GraphJson(loaded->plan)
                                   : GraphMermaid(loaded->plan));
  return kExitOk;
}

int ReferenceCommand(const ReferenceArgs& args, const Registry& registry) {
  std::cout << (args.what == "errors"    ? ErrorReference()
                : args.what == "metrics" ? MetricReference()
                                         : OptionReference(registry));
  return kExitOk;
}

int VersionCommand() {
  std::cout << "weir " << WEIR_VERSION << "\n"
            << "state format 1, key hash murmur2/1, C++20, " << __VERSION__ << "\n";
  return kExitOk;
}

}  // namespace weir
