// A topology as it was written: every key known, every value of its type and in its range, names
// unique, defaults filled in. What needs schemas (inputs, expressions, keys) is BuildPlan's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/options.h"
#include "engine/core/registry.h"
#include "engine/model/types.h"
#include "engine/plan/settings.h"
#include "engine/yaml/yaml.h"

namespace weir {

class Diagnostics;

// "failures", "guard.decisions" or "auth.dead_letter", not resolved yet.
struct InputRef {
  std::string text;
  SourceMark mark;
  std::string node() const { return text.substr(0, text.find('.')); }
  std::string output() const {
    const size_t dot = text.find('.');
    return dot == std::string::npos ? "" : text.substr(dot + 1);
  }
};

struct SourceDecl {
  std::string name;
  const YamlNode* node = nullptr;  // into Topology::root
  std::optional<Options> options;  // nullopt if anything in them is wrong
  SchemaPtr schema;                // given even then, if the schema itself is good
};

struct OperatorDecl {
  std::string name;
  std::string uid;
  const YamlNode* node = nullptr;
  const OperatorType* type = nullptr;  // nullptr if it is unknown
  std::optional<int> parallelism;
  std::vector<InputRef> inputs;
  std::optional<Options> options;
};

struct SinkDecl {
  std::string name;
  const YamlNode* node = nullptr;
  std::vector<InputRef> inputs;
  bool is_outbox = false;
  std::optional<Options> options;
};

// Holds marks and nodes of the tree in `root`; moving it is fine.
struct Topology {
  std::string file;
  JobSettings job;
  SourceMark parallelism_mark;
  std::vector<SourceDecl> sources;
  std::vector<OperatorDecl> operators;
  std::vector<SinkDecl> sinks;
  const YamlNode* tests = nullptr;  // the list under `tests`, for `weir test`; nullptr if absent
  std::shared_ptr<const YamlNode> root;
  bool misspelled_section = false;  // what is missing may stand under a wrong key
  // Reads a file named in an option, relative to the topology's folder.
  std::function<StatusOr<std::string>(const std::string&)> read_file;
};

// Never fails: what is wrong is in *diagnostics and left out or marked in the result, so that
// BuildPlan can go on and report what is wrong elsewhere.
Topology ReadTopology(std::shared_ptr<const YamlNode> root, const Registry& registry,
                      Diagnostics* diagnostics);

// The option tables of the topology's own sections, for reading and for the reference.
struct SectionDefs {
  std::string name;  // "job"
  std::string doc;
  std::vector<OptionDef> options;
};
const std::vector<SectionDefs>& TopologySections();
const std::vector<OptionDef>& OperatorCommonDefs();  // name, type, input, uid, parallelism
const std::vector<OptionDef>& SinkCommonDefs();      // input, outbox
const std::vector<OptionDef>& SinkOptionDefs();      // of the log sink, without input
// `defs` with the registry's formats, and their options, as what `format` may be.
std::vector<OptionDef> WithFormats(std::vector<OptionDef> defs, const Registry& registry);

}  // namespace weir
