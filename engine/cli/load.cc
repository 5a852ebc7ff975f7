#include "engine/cli/load.h"

#include <iostream>

namespace weir {

std::unique_ptr<LoadedPlan> LoadPlanFile(const TopologyArgs& args, const Registry& registry,
                                         const Env& env) {
  auto text = env.fs->ReadFile(args.file);
  if (!text.ok()) {
    std::cerr << "weir: cannot read '" << args.file << "': " << text.status().message() << "\n";
    return nullptr;
  }
  const size_t slash = args.file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : args.file.substr(0, slash);
  LoadRequest request;
  request.file = args.file;
  request.text = std::move(*text);
  request.sets = args.sets;
  request.variables = env.variable;
  request.read_file = [fs = env.fs, folder](const std::string& path) {
    return fs->ReadFile(path.front() == '/' ? path : JoinPath(folder, path));
  };
  Diagnostics diagnostics;
  auto loaded = LoadPlan(request, registry, &diagnostics);
  std::cerr << diagnostics.Render();
  return loaded;
}

}  // namespace weir
