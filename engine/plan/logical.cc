// Topology -> LogicalPlan: inputs resolved, operators planned in order of the stream, schemas,
// expressions and keys checked.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "connectors/log/dead_letters.h"
#include "connectors/log/log_options.h"
#include "engine/plan/output_checks.h"
#include "engine/plan/plan.h"
#include "engine/plan/stream_order.h"
#include "engine/plan/topology.h"
#include "engine/yaml/diagnostics.h"
#include "engine/yaml/node_errors.h"
#include "engine/yaml/table_reader.h"

namespace weir {
namespace {

class Builder {
 public:
  Builder(const Topology& topology, const Registry& registry, Diagnostics* diagnostics)
      : topology_(topology), registry_(registry), diagnostics_(diagnostics) {
    plan_.job = topology.job;
  }

  LogicalPlan Build() {
    for (const SourceDecl& source : topology_.sources) AddSource(source);
    const StreamOrder order(topology_, diagnostics_);
    for (const int index : order.operators()) AddOperator(topology_.operators[index]);
    for (const SinkDecl& sink : topology_.sinks) AddSink(sink);
    AddControls();
    CheckWhatIsWritten(plan_, topology_, diagnostics_);
    return std::move(plan_);
  }

 private:
  void Error(SourceMark mark, ErrorCode code, std::string message, std::string hint = {}) {
    diagnostics_->Error(mark, code, std::move(message), std::move(hint));
  }

  LogicalNode NewNode(NodeKind kind, const std::string& name, SourceMark mark) {
    LogicalNode node;
    node.kind = kind;
    node.number = static_cast<int>(plan_.nodes.size());
    node.name = name;
    node.uid = name;
    node.type = "log";
    node.parallelism = topology_.job.parallelism;
    node.mark = mark;
    node.log = topology_.job.log;
    return node;
  }

  int Append(LogicalNode node) {
    const int index = static_cast<int>(plan_.nodes.size());
    by_name_[node.name] = index;
    plan_.nodes.push_back(std::move(node));
    return index;
  }

  static void TakeLogOptions(const Options& options, LogicalNode* node) {
    node->topic = options.String("topic");
    if (options.Has("log")) node->log = options.String("log");
    node->options = options;
  }

  // A source whose schema is good is added even if something else is wrong with it, so that what
  // reads it is checked too.
  void AddSource(const SourceDecl& source) {
    LogicalNode node = NewNode(NodeKind::kSource, source.name, source.node->OwnMark());
    SchemaPtr schema = source.schema;
    if (source.options) {
      TakeLogOptions(*source.options, &node);
      CheckStart(*source.options);
      NodeErrors errors(*source.node, diagnostics_);
      PlanFormat(FormatUse::kRead, &errors, &schema, &node);
    }
    if (schema == nullptr) return;
    const int event_time = EventTimeField(source, *schema);
    node.outputs.push_back({"", schema, event_time, {}});
    node.outputs.push_back({kDeadLetter, DeadLetterSchema(), -1, {}});
    Append(std::move(node));
  }

  void CheckStart(const Options& options) {
    std::string field;
    const Status status = CheckLogStart(options, &field);
    if (status.ok()) return;
    Error(options.MarkOf(options.Has(field) ? field : "start"),
          static_cast<ErrorCode>(ErrorNumber(status)), std::string(status.message()),
          ErrorHint(status));
  }

  // Derives *schema if a source gives none and its format knows it.
  void PlanFormat(FormatUse use, PlanErrors* errors, SchemaPtr* schema, LogicalNode* node) {
    const OptionValue& value = node->options.Get("format");
    const FormatType* format = registry_.FindFormat(value.text);
    if (format == nullptr || !format->plan) return;
    Options own = value.table != nullptr ? *value.table : Options();
    if (const Status filled = own.FillDefaults(format->options); !filled.ok()) {
      return errors->Add("format", filled);
    }
    FormatContext context{use, *schema, &own, IsLineFiles(node->log), ReadFile(), errors};
    if (*schema == nullptr && format->derive && !node->options.Has("schema")) {
      *schema = context.schema = format->derive(context);
    }
    if (context.schema == nullptr) return;
    if (auto plan = format->plan(context)) node->format = *std::move(plan);
  }

  bool IsLineFiles(const std::string& url) const {
    const LogType* log = registry_.FindLog(url.substr(0, url.find(':')));
    return log != nullptr && log->line_files;
  }

  std::function<StatusOr<std::string>(const std::string&)> ReadFile() const {
    if (topology_.read_file) return topology_.read_file;
    return [](const std::string& path) -> StatusOr<std::string> {
      return Err(ErrorCode::kConfigFile, absl::StrCat("cannot read '", path, "' from here"));
    };
  }

  // The column named by event_time.field, -1 without one.
  int EventTimeField(const SourceDecl& source, const Schema& schema) {
    const YamlNode* table = source.node->Find("event_time");
    const YamlNode* field = table != nullptr ? table->Find("field") : nullptr;
    if (field == nullptr || !field->IsScalar()) return -1;
    const int index = schema.Find(field->text);
    if (index < 0) {
      UnknownField(field->text, field->mark, "the schema", schema);
      return -1;
    }
    const Type& type = schema.field(index).type;
    if (type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kInt64) return index;
    Error(field->mark, ErrorCode::kPlanSchema,
          absl::StrCat("expected a field of type timestamp_ms or int64, but '", field->text,
                       "' is ", type.ToString()));
    return -1;
  }

  void UnknownField(const std::string& name, SourceMark mark, std::string_view owner,
                    const Schema& schema) {
    std::vector<std::string> names;
    for (const Field& field : schema.fields()) names.push_back(field.name);
    Error(mark, ErrorCode::kPlanSchema, absl::StrCat(ToAbsl(owner), " has no field '", name, "'"),
          SuggestName(name, names, "its fields are"));
  }

  // The node and port that `ref` names; nullopt if it was reported here or before.
  std::optional<NodeInput> Resolve(const InputRef& ref) {
    const auto it = by_name_.find(ref.node());
    if (it == by_name_.end()) return std::nullopt;  // unknown, in a cycle, or wrong itself
    const LogicalNode& node = plan_.nodes[it->second];
    if (node.kind == NodeKind::kSink) return std::nullopt;  // reported by StreamOrder
    std::vector<std::string> known;
    for (size_t port = 0; port < node.outputs.size(); ++port) {
      const std::string& name = node.outputs[port].name;
      if (name == ref.output()) return NodeInput{it->second, static_cast<int>(port)};
      known.push_back(name.empty() ? node.name : absl::StrCat(node.name, ".", name));
    }
    const std::string what =
        ref.output().empty() ? absl::StrCat("'", node.name, "' has no default output")
                             : absl::StrCat("'", node.name, "' has no output '", ref.output(), "'");
    Error(ref.mark, ErrorCode::kConfigUnknownName, what,
          known.empty() ? "" : absl::StrCat("its outputs are ", absl::StrJoin(known, ", ")));
    return std::nullopt;
  }

  // False if any input is missing.
  bool ResolveAll(const std::vector<InputRef>& refs, std::vector<NodeInput>* inputs) {
    bool all = !refs.empty();
    for (const InputRef& ref : refs) {
      const auto input = Resolve(ref);
      all = all && input;
      if (input) inputs->push_back(*input);
    }
    return all;
  }

  void AddOperator(const OperatorDecl& decl) {
    LogicalNode node = NewNode(NodeKind::kOperator, decl.name, NodeErrors::NameMark(*decl.node));
    if (!ResolveAll(decl.inputs, &node.inputs) || !decl.options) return;
    node.uid = decl.uid;
    node.type = decl.type->name;
    node.options = *decl.options;
    if (decl.parallelism) node.parallelism = *decl.parallelism;
    const int errors_before = diagnostics_->errors();
    NodeErrors errors(*decl.node, diagnostics_);
    const OperatorPlanContext context = MakeContext(decl, node, &errors);
    if (!CheckSchemas(decl, context.inputs)) return;
    std::optional<OperatorPlan> op = decl.type->plan(context);
    if (!op && diagnostics_->errors() == errors_before) {
      errors.Add("", Err(ErrorCode::kInternal,
                         absl::StrCat("the type '", node.type, "' refuses without saying why")));
    }
    if (!op || diagnostics_->errors() != errors_before) return;
    node.op = *std::move(op);
    if (CheckKey(node, context.inputs, &errors) && CheckOutputs(node, &errors)) {
      for (const OperatorPlan::Output& output : node.op.outputs) {
        node.outputs.push_back({output.name, output.schema, output.event_time_field, {}});
      }
      CheckAgent(*decl.node, node.options);
      Append(std::move(node));
    }
  }

  OperatorPlanContext MakeContext(const OperatorDecl& decl, const LogicalNode& node,
                                  NodeErrors* errors) const {
    OperatorPlanContext context;
    context.job = topology_.job.name;
    context.id_key = topology_.job.id_key;
    context.name = decl.name;
    context.uid = decl.uid;
    context.options = &node.options;
    context.errors = errors;
    context.read_file = ReadFile();
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const OutputPort& port = plan_.nodes[node.inputs[i].node].outputs[node.inputs[i].port];
      context.inputs.push_back({decl.inputs[i].text, port.schema, port.event_time_field});
    }
    return context;
  }

  // An operator compiles its expressions for one schema; rows of another would not fit them.
  bool CheckSchemas(const OperatorDecl& decl, const std::vector<PlanInput>& inputs) {
    if (decl.type->mixed_inputs) return true;
    for (size_t i = 1; i < inputs.size(); ++i) {
      if (*inputs[i].schema == *inputs[0].schema) continue;
      Error(decl.inputs[i].mark, ErrorCode::kPlanSchema,
            absl::StrCat("the inputs have different schemas: '", inputs[i].name, "' is ",
                         inputs[i].schema->ToString(), ", '", inputs[0].name, "' is ",
                         inputs[0].schema->ToString()));
      return false;
    }
    return true;
  }

  static bool CheckKey(const LogicalNode& node, const std::vector<PlanInput>& inputs,
                       NodeErrors* errors) {
    if (node.op.key.empty()) return true;
    bool good = true;
    for (const PlanInput& input : inputs) {
      for (const std::string& field : node.op.key) {
        const Status usable = KeySelector::Create(*input.schema, {field}).status();
        if (!usable.ok()) errors->Add(absl::StrCat("key.", field), usable);
        good = good && usable.ok();
      }
    }
    return good;
  }

  // Mistakes of an operator's author, found before a job runs.
  static bool CheckOutputs(const LogicalNode& node, NodeErrors* errors) {
    std::map<std::string, int> names;
    for (const OperatorPlan::Output& output : node.op.outputs) {
      if (output.schema != nullptr && ++names[output.name] == 1) continue;
      errors->Add("",
                  Err(ErrorCode::kInternal,
                      absl::StrCat("the type '", node.type, "' plans the output '", output.name,
                                   output.schema == nullptr ? "' without a schema" : "' twice")));
      return false;
    }
    return true;
  }

  void CheckAgent(const YamlNode& at, const Options& options) {
    const YamlNode* table = at.Find("agent");
    const YamlNode* endpoint = table != nullptr ? table->Find("endpoint") : nullptr;
    if (endpoint == nullptr || !endpoint->IsScalar() || !options.Has("agent")) return;
    const std::string scheme = endpoint->text.substr(0, endpoint->text.find(':'));
    if (registry_.FindAgentChannel(scheme) != nullptr) return;
    Error(endpoint->mark, ErrorCode::kConfigUnknownType,
          absl::StrCat("no agent channel has the scheme '", scheme, "'"));
  }

  void AddSink(const SinkDecl& sink) {
    LogicalNode node = NewNode(NodeKind::kSink, sink.name, sink.node->OwnMark());
    node.is_outbox = sink.is_outbox;
    if (!ResolveAll(sink.inputs, &node.inputs) || !sink.options) return;
    TakeLogOptions(*sink.options, &node);
    if (CheckFields(sink, node)) PlanSinkFormat(sink, &node);
    // A sink runs where its only producer runs; its rows need not move.
    if (node.inputs.size() == 1) {
      node.parallelism = plan_.nodes[node.inputs[0].node].parallelism;
    }
    Append(std::move(node));
  }

  // Only formats with a schema of their own care what the rows look like.
  void PlanSinkFormat(const SinkDecl& sink, LogicalNode* node) {
    const YamlNode* outbox = sink.node->Find("outbox");
    NodeErrors errors(outbox != nullptr ? *outbox : *sink.node, diagnostics_);
    const Schema& first = SchemaOf(node->inputs[0]);
    std::vector<Field> fields = first.fields();
    if (node->options.Has("fields")) {
      fields.clear();
      for (const std::string& name : node->options.List("fields")) {
        fields.push_back(first.field(first.Find(name)));
      }
    }
    SchemaPtr schema = MakeSchema(std::move(fields));
    PlanFormat(FormatUse::kWrite, &errors, &schema, node);
    if (!node->format.new_encoder) return;
    for (size_t k = 1; k < node->inputs.size(); ++k) {
      if (SchemaOf(node->inputs[k]) == first) continue;
      Error(sink.inputs[k].mark, ErrorCode::kPlanSchema,
            absl::StrCat("the format '", node->options.String("format"),
                         "' writes rows of one schema, and '", sink.inputs[k].text,
                         "' has another than '", sink.inputs[0].text, "'"));
    }
  }

  const Schema& SchemaOf(const NodeInput& input) const {
    return *plan_.nodes[input.node].outputs[input.port].schema;
  }

  // False if a field is unknown.
  bool CheckFields(const SinkDecl& sink, const LogicalNode& node) {
    if (!sink.options->Has("fields")) return true;
    bool good = true;
    const OptionValue& fields = sink.options->Get("fields");
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const NodeInput& input = node.inputs[k];
      const Schema& schema = *plan_.nodes[input.node].outputs[input.port].schema;
      for (size_t i = 0; i < fields.list.size(); ++i) {
        if (schema.Find(fields.list[i]) >= 0) continue;
        good = false;
        UnknownField(fields.list[i], fields.item_marks[i],
                     absl::StrCat("'", sink.inputs[k].text, "'"), schema);
      }
    }
    return good;
  }

  void AddControls() {
    const size_t count = plan_.nodes.size();
    for (size_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < plan_.nodes[i].op.control.size(); ++k) {
        const OperatorPlan::ControlInput control = plan_.nodes[i].op.control[k];
        LogicalNode node =
            NewNode(NodeKind::kControl, absl::StrCat(plan_.nodes[i].name, "#", control.topic),
                    plan_.nodes[i].mark);
        node.uid = absl::StrCat(plan_.nodes[i].uid, "#", control.topic);
        node.parallelism = 1;
        node.topic = control.topic;
        node.outputs.push_back({"", control.schema, -1, {}});
        const int added = Append(std::move(node));  // moves all nodes
        plan_.nodes[i].controls.push_back(added);
      }
    }
  }

  const Topology& topology_;
  const Registry& registry_;
  Diagnostics* diagnostics_;
  LogicalPlan plan_;
  std::map<std::string, int> by_name_;
};

}  // namespace

const LogicalNode* LogicalPlan::Find(std::string_view name) const {
  const auto it = std::find_if(nodes.begin(), nodes.end(),
                               [name](const LogicalNode& node) { return node.name == name; });
  return it == nodes.end() ? nullptr : &*it;
}

StatusOr<PhysicalPlan> BuildPlan(const Topology& topology, const Registry& registry,
                                 Diagnostics* diagnostics) {
  LogicalPlan logical = Builder(topology, registry, diagnostics).Build();
  if (!diagnostics->ok()) return diagnostics->ToStatus();
  StatusOr<PhysicalPlan> physical = MakePhysical(std::move(logical));
  if (!physical.ok()) diagnostics->Error(topology.parallelism_mark, physical.status());
  return physical;
}

}  // namespace weir
