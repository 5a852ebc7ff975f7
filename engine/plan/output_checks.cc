#include "engine/plan/output_checks.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

bool IsRead(const Topology& topology, const std::string& name) {
  const auto reads = [&name](const auto& decl) {
    return std::any_of(decl.inputs.begin(), decl.inputs.end(),
                       [&name](const InputRef& ref) { return ref.text == name; });
  };
  return std::any_of(topology.operators.begin(), topology.operators.end(), reads) ||
         std::any_of(topology.sinks.begin(), topology.sinks.end(), reads);
}

// Where the option stands, if it is written in the file.
SourceMark MarkOf(const LogicalNode& node, const char* option) {
  const SourceMark mark = node.options.MarkOf(option);
  return mark.line != 0 ? mark : node.mark;
}

// What a job writes it takes over at its start, and --fresh deletes it.
void CheckTopics(const LogicalPlan& plan, Diagnostics* diagnostics) {
  std::map<std::pair<std::string, std::string>, const LogicalNode*> read;
  for (const LogicalNode& node : plan.nodes) {
    if (node.kind == NodeKind::kSource) read[{node.log, node.topic}] = &node;
  }
  for (const LogicalNode& node : plan.nodes) {
    const auto it = read.find({node.log, node.topic});
    if (node.kind != NodeKind::kSink || it == read.end()) continue;
    diagnostics->Error(MarkOf(node, "topic"), ErrorCode::kConfigBadValue,
                       absl::StrCat("'", node.name, "' would write to topic '", node.topic,
                                    "', which source '", it->second->name, "' reads"),
                       "give it a topic of its own");
  }
}

// Records that fail must not vanish: who asks for dead letters must write them somewhere.
void CheckDeadLetters(const LogicalPlan& plan, const Topology& topology, Diagnostics* diagnostics) {
  for (const LogicalNode& node : plan.nodes) {
    if (!node.options.Has("on_error") || node.options.String("on_error") != kDeadLetter) continue;
    const bool has_port = std::any_of(node.outputs.begin(), node.outputs.end(),
                                      [](const OutputPort& p) { return p.name == kDeadLetter; });
    const std::string port = absl::StrCat(node.name, ".", kDeadLetter);
    if (!has_port || IsRead(topology, port)) continue;
    diagnostics->Error(
        MarkOf(node, "on_error"), ErrorCode::kConfigUnusedOutput,
        absl::StrCat("the dead letters of '", node.name, "' lead nowhere"),
        absl::StrCat("add to sinks:  ", node.name, "_dead: { input: ", port, ", topic: ", node.name,
                     ".dead_letter }  or say on_error: fail"));
  }
}

}  // namespace

void CheckWhatIsWritten(const LogicalPlan& plan, const Topology& topology,
                        Diagnostics* diagnostics) {
  CheckDeadLetters(plan, topology, diagnostics);
  CheckTopics(plan, diagnostics);
}

}  // namespace weir
