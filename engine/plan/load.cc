#include "engine/plan/load.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/plan/overrides.h"
#include "engine/yaml/yaml.h"

namespace weir {

StatusOr<LoadedPlan> LoadPlan(const PlanSource& source, const Registry& registry,
                              Diagnostics* diagnostics) {
  diagnostics->SetSource(source.file, source.text);
  auto root = std::make_shared<YamlNode>();
  if (!ParseYaml(source.text, diagnostics, root.get())) return diagnostics->ToStatus();
  // Before variables: what an override replaces need not be set.
  ApplyOverrides(source.overrides, diagnostics, root.get());
  ResolveVariables(source.variable, diagnostics, root.get());
  LoadedPlan loaded;
  loaded.topology = ReadTopology(std::move(root), registry, diagnostics);
  loaded.topology.read_file = source.read_file;
  WEIR_ASSIGN_OR_RETURN(loaded.plan, BuildPlan(loaded.topology, registry, diagnostics));
  return loaded;
}

StatusOr<LoadedPlan> LoadPlanFile(const Env& env, const std::string& path,
                                  const std::vector<std::string>& overrides,
                                  const Registry& registry, Diagnostics* diagnostics) {
  PlanSource source;
  source.file = path;
  StatusOr<std::string> text = env.fs->ReadFile(path);
  if (!text.ok()) {
    diagnostics->SetSource(path, "");
    diagnostics->Error({}, ErrorCode::kConfigFile,
                       absl::StrCat("the topology cannot be read: ", text.status().message()));
    return diagnostics->ToStatus();
  }
  source.text = *std::move(text);
  source.overrides = overrides;
  source.variable = env.variable;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  source.read_file = [fs = env.fs, folder](const std::string& name) -> StatusOr<std::string> {
    StatusOr<std::string> content =
        fs->ReadFile(name.starts_with('/') ? name : JoinPath(folder, name));
    if (content.ok()) return content;
    return Err(ErrorCode::kConfigFile,
               absl::StrCat("cannot read '", name, "': ", content.status().message()),
               absl::StrCat("files are looked for relative to ", folder));
  };
  return LoadPlan(source, registry, diagnostics);
}

}  // namespace weir
