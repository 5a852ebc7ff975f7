// `weir test`: the cases under `tests:` of a topology, each run as a whole job on virtual time and
// a simulated disk (deploy/jobs/ssh_guard/README.md describes the format).
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/cli/commands.h"
#include "engine/cli/load.h"
#include "engine/model/value.h"
#include "engine/testing/local_runner.h"

namespace weir {
namespace {

constexpr uint64_t kTestSeed = 1;

// A plain YAML scalar as the JSON value it stands for; quoted ones are strings.
Value ScalarToValue(const YamlNode& node) {
  if (node.IsNull()) return Value::Null();
  if (node.style == YamlNode::Style::kPlain) {
    int64_t i;
    double d;
    if (node.text == "true" || node.text == "false") return Value::Bool(node.text == "true");
    if (node.text == "null" || node.text == "~") return Value::Null();
    if (absl::SimpleAtoi(node.text, &i)) return Value::Int(i);
    if (absl::SimpleAtod(node.text, &d)) return Value::Double(d);
  }
  return Value::String(node.text);
}

Value ToValue(const YamlNode& node) {
  if (node.IsSequence()) {
    Value::List items;
    for (const YamlNode& child : node.children) items.push_back(ToValue(child));
    return Value::MakeList(std::move(items));
  }
  if (node.IsMapping()) {
    Value::Map entries;
    for (const YamlNode& child : node.children) {
      entries.emplace_back(Value::String(child.key), ToValue(child));
    }
    return Value::MakeMap(std::move(entries));
  }
  return ScalarToValue(node);
}

// A table is an event; a bare text is a record as it stands, for what no encoder would write.
std::string ToRecord(const YamlNode& node) {
  return node.IsScalar() ? node.text : ToValue(node).ToJson();
}

// Everything `expected` names must be there and equal; other fields are free.
bool Matches(const Value& expected, const Value& actual) {
  if (expected.kind() != Value::Kind::kMap || actual.kind() != Value::Kind::kMap) {
    return expected == actual;
  }
  for (const auto& [key, value] : expected.map()) {
    const Value* found = actual.Get(key.string_value());
    if (found == nullptr || !Matches(value, *found)) return false;
  }
  return true;
}

// "" if the sink's records are as expected, else what is wrong.
std::string CompareSink(const YamlNode& expected, const std::vector<std::string>& lines) {
  const std::string got =
      absl::StrCat("\n      got ", lines.size(), " records", lines.empty() ? "" : ":\n        ",
                   absl::StrJoin(lines, "\n        "));
  if (expected.IsScalar()) {
    const Value count = ScalarToValue(expected);
    if (count == Value::Int(static_cast<int64_t>(lines.size()))) return "";
    return absl::StrCat("expected ", expected.text, " records", got);
  }
  if (expected.children.size() != lines.size()) {
    return absl::StrCat("expected ", expected.children.size(), " records", got);
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto actual = ParseJson(lines[i]);
    if (actual.ok() && Matches(ToValue(expected.children[i]), *actual)) continue;
    return absl::StrCat("record ", i + 1, ": expected ", ToValue(expected.children[i]).ToJson(),
                        got);
  }
  return "";
}

// One test case: fresh world, given records in, job to its end, outputs compared.
class Case {
 public:
  Case(const YamlNode& node, const LoadedPlan& loaded, const Registry& registry)
      : node_(node), plan_(loaded.plan), registry_(registry), runner_(kTestSeed) {}

  // "" on success, else what is wrong.
  std::string Run() {
    if (std::string problem = PutInput(); !problem.empty()) return problem;
    JobOptions options;
    options.until_end = true;
    Status status = runner_.Start(plan_, registry_, options);
    if (!status.ok()) return FormatError(status);
    const SimEnd end = runner_.Run();
    if (end != SimEnd::kDone) return "the job did not end";
    if (status = runner_.Finish(); !status.ok()) return FormatError(status);
    return CompareAll();
  }

 private:
  const LogicalNode* FindNode(const std::string& name, NodeKind kind) const {
    const LogicalNode* node = plan_.logical.Find(name);
    return node != nullptr && node->kind == kind ? node : nullptr;
  }
  std::string PutInput() {
    const YamlNode* given = node_.Find("given");
    if (given == nullptr || !given->IsMapping()) return "a test needs 'given: { source: [...] }'";
    for (const YamlNode& source : given->children) {
      const LogicalNode* node = FindNode(source.key, NodeKind::kSource);
      if (node == nullptr) return absl::StrCat("'", source.key, "' is no source of this job");
      std::vector<std::string> lines;
      for (const YamlNode& item : source.children) lines.push_back(ToRecord(item));
      const Status status = runner_.Put(node->topic, 0, lines);
      if (!status.ok()) return FormatError(status);
    }
    return "";
  }
  std::string CompareAll() {
    const YamlNode* expect = node_.Find("expect");
    if (expect == nullptr || !expect->IsMapping()) return "a test needs 'expect: { sink: [...] }'";
    for (const YamlNode& sink : expect->children) {
      const LogicalNode* node = FindNode(sink.key, NodeKind::kSink);
      if (node == nullptr) return absl::StrCat("'", sink.key, "' is no sink of this job");
      const std::string problem = CompareSink(sink, runner_.Lines(node->topic));
      if (!problem.empty()) return absl::StrCat("sink '", sink.key, "': ", problem);
    }
    return "";
  }

  const YamlNode& node_;
  const PhysicalPlan& plan_;
  const Registry& registry_;
  LocalRunner runner_;
};

}  // namespace

int TestCommand(const TopologyArgs& args, const std::string& only, const Registry& registry,
                const Env& env) {
  // The job must read and write in the simulated world, whatever this machine's variables say.
  Env local = env;
  local.variable = [&env](const std::string& name) -> std::optional<std::string> {
    if (name == "WEIR_DATA") return kLocalData;
    if (name == "WEIR_LOG" || name == "WEIR_AGENT") return std::nullopt;
    return env.variable(name);
  };
  const auto loaded = LoadOrPrint(args, registry, local);
  if (loaded == nullptr) return kExitConfig;
  int passed = 0, failed = 0;
  const YamlNode* tests = loaded->topology.tests;
  const std::vector<YamlNode> none;
  for (const YamlNode& test : tests != nullptr ? tests->children : none) {
    const YamlNode* name = test.Find("name");
    const std::string title = name != nullptr ? name->text : "(without a name)";
    if (title.find(only) == std::string::npos) continue;
    const std::string problem = Case(test, *loaded, registry).Run();
    if (problem.empty()) {
      ++passed;
      std::cout << "ok    " << title << "\n";
    } else {
      ++failed;
      std::cout << "FAIL  " << title << "\n      " << problem << "\n";
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? kExitOk : kExitFailed;
}

}  // namespace weir
