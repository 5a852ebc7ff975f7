#include "engine/plan/topology.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/log/log_options.h"
#include "engine/plan/plan.h"
#include "engine/plan/settings_reader.h"
#include "engine/yaml/diagnostics.h"
#include "engine/yaml/table_reader.h"

namespace weir {
namespace {

constexpr size_t kMaxNameLength = 100;

std::vector<std::string> NamesOf(const std::vector<OptionDef>& defs) {
  std::vector<std::string> names;
  names.reserve(defs.size());
  for (const OptionDef& def : defs) names.push_back(def.name);
  return names;
}

const OptionDef& DefOf(const std::vector<OptionDef>& defs, std::string_view name) {
  const auto it = std::find_if(defs.begin(), defs.end(),
                               [name](const OptionDef& def) { return def.name == name; });
  WEIR_CHECK(it != defs.end(), name);
  return *it;
}

class Reader {
 public:
  Reader(std::shared_ptr<const YamlNode> root, const Registry& registry, Diagnostics* diagnostics)
      : registry_(registry),
        diagnostics_(diagnostics),
        source_defs_(WithFormats(LogSourceOptionDefs(), registry)),
        sink_defs_(WithFormats(SinkOptionDefs(), registry)),
        settings_(registry, diagnostics) {
    topology_.file = diagnostics->file();
    topology_.root = std::move(root);
  }

  Topology Read() {
    const YamlNode& root = *topology_.root;
    if (!root.IsMapping()) {
      Error(root.mark, ErrorCode::kConfigWrongType,
            absl::StrCat("expected a table at the top, found ", root.Describe()),
            "a topology begins with 'weir: 1'");
      return std::move(topology_);
    }
    CheckKeys(root, TopKeys(), "at the top", diagnostics_);
    meant_ = MeantKeys(root, TopKeys());
    topology_.misspelled_section = IsMeant("sources") || IsMeant("operators") || IsMeant("sinks");
    settings_.Read(root, IsMeant("job"), &topology_.job);
    topology_.parallelism_mark = settings_.parallelism_mark();
    ReadSources(root);
    ReadOperators(root);
    ReadSinks(root);
    ReadTests(root);
    return std::move(topology_);
  }

 private:
  void Error(SourceMark mark, ErrorCode code, std::string message, std::string hint = {}) {
    diagnostics_->Error(mark, code, std::move(message), std::move(hint));
  }

  static const std::vector<std::string>& TopKeys() {
    static const std::vector<std::string> keys = {"weir",        "job",   "log",       "state",
                                                  "checkpoints", "admin", "telemetry", "sources",
                                                  "operators",   "sinks", "tests"};
    return keys;
  }

  bool IsMeant(std::string_view section) const {
    return std::find(meant_.begin(), meant_.end(), section) != meant_.end();
  }

  // False, with an error added, if `name` is no name or taken.
  bool TakeName(const std::string& name, SourceMark mark) {
    if (names_.size() >= kMaxPlanNodes) {
      Error({}, ErrorCode::kConfigOutOfRange,
            absl::StrCat("more than ", kMaxPlanNodes, " sources, operators and sinks"));
      return false;
    }
    if (!IsName(name) || name.size() > kMaxNameLength) {
      Error(mark, ErrorCode::kConfigBadValue,
            absl::StrCat("expected a name of letters, digits, '_' and '-', found '", name, "'"));
      return false;
    }
    return Take(&names_, "the name", name, mark);
  }

  bool Take(std::map<std::string, int>* taken, std::string_view what, const std::string& name,
            SourceMark mark) {
    const auto [it, added] = taken->emplace(name, mark.line);
    if (added) return true;
    Error(mark, ErrorCode::kConfigDuplicate,
          absl::StrCat(ToAbsl(what), " '", name, "' is taken already"),
          it->second > 0 ? absl::StrCat("the first one is in line ", it->second) : "");
    return false;
  }

  // The mapping under `name`, or nullptr if it is absent, empty or (an error) something else.
  const YamlNode* FindTable(const YamlNode& root, std::string_view name) {
    const YamlNode* node = root.Find(name);
    if (node == nullptr || node->IsNull()) return nullptr;
    if (node->IsMapping()) return node;
    Error(node->mark, ErrorCode::kConfigWrongType,
          absl::StrCat("expected a table, found ", node->Describe()),
          absl::StrCat("write ", ToAbsl(name), ": { <name>: { ... } }"));
    return nullptr;
  }

  void ReadSources(const YamlNode& root) {
    const YamlNode* table = FindTable(root, "sources");
    if (table == nullptr || table->children.empty()) {
      const YamlNode* key = root.Find("sources");
      if (!IsMeant("sources") && (key == nullptr || key->IsNull() || key->IsMapping())) {
        Error(key != nullptr ? key->OwnMark() : root.mark, ErrorCode::kConfigMissingKey,
              "a topology needs at least one source",
              "for example  sources: { events: { topic: events, format: json, schema: { ... } } }");
      }
      return;
    }
    for (const YamlNode& node : table->children) {
      SourceDecl source;
      source.name = node.key;
      source.node = &node;
      const bool named =
          TakeName(node.key, node.key_mark) && Take(&uids_, "the uid", node.key, node.key_mark);
      const std::string where = absl::StrCat("in source '", node.key, "'");
      source.options = ReadTable(node, source_defs_, where, {}, diagnostics_);
      const YamlNode* schema = node.Find("schema");
      if (schema != nullptr && schema->IsMapping()) {
        source.schema = ReadSchema(*schema, diagnostics_);
      } else if (schema == nullptr && !KnowsSchema(source)) {
        OptionDef required = DefOf(source_defs_, "schema");
        required.required = true;
        ReadKey(node, required, where, MeantKeys(node, NamesOf(source_defs_)), diagnostics_);
      }
      CheckOwnLog(node);
      if (named) topology_.sources.push_back(std::move(source));
    }
  }

  // Can the source's format tell the schema?
  bool KnowsSchema(const SourceDecl& source) const {
    if (!source.options) return false;
    const FormatType* format = registry_.FindFormat(source.options->String("format"));
    return format != nullptr && format->derive;
  }

  void CheckOwnLog(const YamlNode& node) {
    const YamlNode* log = SettingsReader::ScalarAt(node, "log");
    if (log != nullptr) settings_.CheckLogUrl(*log);
  }

  std::vector<InputRef> ReadInputs(const YamlNode& node, const OptionDef& def,
                                   const std::string& where,
                                   const std::vector<std::string>& meant) {
    std::vector<InputRef> inputs;
    const auto value = ReadKey(node, def, where, meant, diagnostics_);
    if (!value) return inputs;
    for (size_t i = 0; i < value->list.size(); ++i) {
      const auto same = [&](const InputRef& ref) { return ref.text == value->list[i]; };
      if (std::any_of(inputs.begin(), inputs.end(), same)) {
        Error(value->item_marks[i], ErrorCode::kConfigDuplicate,
              absl::StrCat("the input '", value->list[i], "' stands twice"));
      } else {
        inputs.push_back({value->list[i], value->item_marks[i]});
      }
    }
    if (value->list.empty()) {
      Error(value->mark, ErrorCode::kConfigBadValue, "expected at least one input");
    }
    return inputs;
  }

  void ReadOperators(const YamlNode& root) {
    const YamlNode* list = root.Find("operators");
    if (list == nullptr || list->IsNull()) return;
    if (!list->IsSequence()) {
      return Error(list->mark, ErrorCode::kConfigWrongType,
                   absl::StrCat("expected a list of operators, found ", list->Describe()),
                   "write lines like  - { name: ..., type: ..., input: ... }");
    }
    for (size_t i = 0; i < list->children.size(); ++i) {
      const YamlNode& node = list->children[i];
      if (!node.IsMapping()) {
        Error(node.mark, ErrorCode::kConfigWrongType,
              absl::StrCat("expected an operator, found ", node.Describe()),
              "write { name: ..., type: ..., input: ... }");
        continue;
      }
      ReadOperator(node, i + 1);
    }
  }

  void ReadOperator(const YamlNode& node, size_t position) {
    const auto& common = OperatorCommonDefs();
    const YamlNode* name = node.Find("name");
    const std::string where = name != nullptr && name->IsScalar()
                                  ? absl::StrCat("in operator '", name->text, "'")
                                  : absl::StrCat("in operator ", position, " of the list");
    OperatorDecl op;
    op.node = &node;
    const YamlNode* type_name = node.Find("type");
    if (type_name != nullptr) op.type = registry_.FindOperator(type_name->text);
    const std::vector<std::string> meant = MeantKeys(node, OperatorKeys(op.type));
    bool named = ReadKey(node, DefOf(common, "name"), where, meant, diagnostics_).has_value();
    if (named) {
      op.name = name->text;
      named = TakeName(op.name, name->mark);
    }
    ReadUid(node, where, named, &op);
    op.inputs = ReadInputs(node, DefOf(common, "input"), where, meant);
    if (const auto p = ReadKey(node, DefOf(common, "parallelism"), where, {}, diagnostics_)) {
      op.parallelism = static_cast<int>(p->number);
      settings_.CheckParallelism(p->number, topology_.job.max_parallelism, p->mark);
    }
    const auto type = ReadKey(node, DefOf(common, "type"), where, meant, diagnostics_);
    if (op.type != nullptr) {
      op.options = ReadTable(node, op.type->options, where, NamesOf(common), diagnostics_);
    } else if (type) {
      Error(type->mark, ErrorCode::kConfigUnknownType,
            absl::StrCat("there is no operator type '", type->text, "'"),
            SuggestName(type->text, registry_.OperatorNames(), "known types"));
    }
    if (named) topology_.operators.push_back(std::move(op));
  }

  static std::vector<std::string> OperatorKeys(const OperatorType* type) {
    std::vector<std::string> keys = NamesOf(OperatorCommonDefs());
    if (type == nullptr) return keys;
    const std::vector<std::string> own = NamesOf(type->options);
    keys.insert(keys.end(), own.begin(), own.end());
    return keys;
  }

  void ReadUid(const YamlNode& node, const std::string& where, bool named, OperatorDecl* op) {
    const auto uid = ReadKey(node, DefOf(OperatorCommonDefs(), "uid"), where, {}, diagnostics_);
    op->uid = uid ? uid->text : op->name;
    if (uid && !IsName(uid->text)) {
      Error(
          uid->mark, ErrorCode::kConfigBadValue,
          absl::StrCat("expected a uid of letters, digits, '_' and '-', found '", uid->text, "'"));
    } else if (uid || named) {
      Take(&uids_, "the uid", op->uid, uid ? uid->mark : node.Find("name")->mark);
    }
  }

  void ReadSinks(const YamlNode& root) {
    const YamlNode* table = FindTable(root, "sinks");
    if (table == nullptr) return;
    for (const YamlNode& node : table->children) {
      const bool named =
          TakeName(node.key, node.key_mark) && Take(&uids_, "the uid", node.key, node.key_mark);
      if (!node.IsMapping()) {
        Error(node.mark, ErrorCode::kConfigWrongType,
              absl::StrCat("expected a table, found ", node.Describe()),
              "write { input: ..., topic: ... }");
        continue;
      }
      SinkDecl sink = ReadSink(node);
      if (named) topology_.sinks.push_back(std::move(sink));
    }
  }

  SinkDecl ReadSink(const YamlNode& node) {
    const std::string where = absl::StrCat("in sink '", node.key, "'");
    SinkDecl sink;
    sink.name = node.key;
    sink.node = &node;
    const std::vector<std::string> common = NamesOf(SinkCommonDefs());
    std::vector<std::string> known = NamesOf(sink_defs_);
    known.insert(known.end(), common.begin(), common.end());
    sink.inputs = ReadInputs(node, DefOf(SinkCommonDefs(), "input"), where, MeantKeys(node, known));
    const YamlNode* outbox = node.Find("outbox");
    sink.is_outbox = outbox != nullptr;
    if (outbox != nullptr) {
      CheckKeys(node, common, absl::StrCat(where, ", which has an outbox"), diagnostics_);
      sink.options =
          ReadTable(*outbox, sink_defs_, absl::StrCat(where, ", outbox"), {}, diagnostics_);
    } else {
      sink.options = ReadTable(node, sink_defs_, where, common, diagnostics_);
    }
    CheckOwnLog(outbox != nullptr ? *outbox : node);
    return sink;
  }

  void ReadTests(const YamlNode& root) {
    const YamlNode* tests = root.Find("tests");
    if (tests == nullptr || tests->IsNull()) return;
    if (tests->IsSequence()) {
      topology_.tests = tests;
    } else {
      Error(tests->mark, ErrorCode::kConfigWrongType,
            absl::StrCat("expected a list of tests, found ", tests->Describe()));
    }
  }

  const Registry& registry_;
  Diagnostics* diagnostics_;
  const std::vector<OptionDef> source_defs_, sink_defs_;
  SettingsReader settings_;
  Topology topology_;
  std::vector<std::string> meant_;           // sections that are misspelled
  std::map<std::string, int> names_, uids_;  // -> line
};

}  // namespace

Topology ReadTopology(std::shared_ptr<const YamlNode> root, const Registry& registry,
                      Diagnostics* diagnostics) {
  return Reader(std::move(root), registry, diagnostics).Read();
}

}  // namespace weir
