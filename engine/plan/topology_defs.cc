// The option tables of the topology's own sections. Operators, sources and sinks bring theirs.
#include "connectors/log/log_options.h"
#include "engine/model/key.h"
#include "engine/plan/topology.h"

namespace weir {
namespace {

constexpr double kMinIntervalMs = 10;  // below it a job does nothing but checkpoints
constexpr double kMaxRetained = 1000;
constexpr double kMinHotBytes = 1 << 20;
constexpr double kMaxParallelism = kMaxMaxParallelism;

OptionDef Text(std::string name, std::string default_text, std::string doc) {
  return {.name = std::move(name), .default_text = std::move(default_text), .doc = std::move(doc)};
}

OptionDef Number(std::string name, OptionType type, std::string default_text, std::string doc,
                 double min, std::optional<double> max = std::nullopt) {
  return {.name = std::move(name),
          .type = type,
          .default_text = std::move(default_text),
          .doc = std::move(doc),
          .min = min,
          .max = max};
}

OptionDef Required(OptionDef def) {
  def.required = true;
  return def;
}

}  // namespace

const std::vector<SectionDefs>& TopologySections() {
  static const std::vector<SectionDefs> sections = {
      {"job",
       "The job as a whole.",
       {Required(
            Text("name", "", "Lower-case letters, digits and '-'; names folders and metrics.")),
        Number("parallelism", OptionType::kInt, "1",
               "Subtasks of each operator that does not say otherwise.", 1, kMaxParallelism),
        Number("max_parallelism", OptionType::kInt, "128",
               "Number of key groups; fixed for the life of the job's state.", 1, kMaxParallelism),
        Text("id_key", "",
             "Secret that keys request ids; derived from the job's name when absent. Changing it "
             "changes every id.")}},
      {"state",
       "Where operators keep their state.",
       {Text("backend", "memory", "State backend: memory or rocksdb."),
        Text("dir", "./data/state", "Folder of the working state of a backend on disk."),
        Number("hot_bytes", OptionType::kSize, "256MiB",
               "Bound of the decoded values held in memory.", kMinHotBytes)}},
      {"checkpoints",
       "When and where checkpoints are taken.",
       {Number("interval", OptionType::kDuration, "10s",
               "Time from one checkpoint's start to the next one's.", kMinIntervalMs),
        Text("storage", "file:./data/checkpoints", "URL of the checkpoint store: file:<folder>."),
        Number("retain", OptionType::kInt, "3", "Complete checkpoints that are kept.", 1,
               kMaxRetained),
        Number("timeout", OptionType::kDuration, "10m",
               "A checkpoint that is not complete by then is given up.", kMinIntervalMs),
        Number("every_records", OptionType::kInt, "",
               "Also checkpoint after this many input records; absent = by time only.", 1)}},
      {"admin",
       "The service that `weirctl` talks to.",
       {Text("listen", "127.0.0.1:0",
             "Host and port, port 0 = any that is free; off = no service. Other than on this "
             "machine's own addresses (127.0.0.1, [::1]) it needs a token_file."),
        Text("token_file", "",
             "File with the secret that callers must show, at least 16 characters.")}}};
  return sections;
}

const std::vector<OptionDef>& OperatorCommonDefs() {
  static const std::vector<OptionDef> defs = {
      Required(Text("name", "", "What others call its output.")),
      Required(Text("type", "", "The operator type.")),
      Required({.name = "input",
                .type = OptionType::kStringList,
                .doc = "The stream or streams it reads: source, operator or operator.output."}),
      Text("uid", "", "Address of its state; the name when absent. Keep it when you rename."),
      Number("parallelism", OptionType::kInt, "", "Subtasks; the job's when absent.", 1,
             kMaxParallelism)};
  return defs;
}

const std::vector<OptionDef>& SinkCommonDefs() {
  static const std::vector<OptionDef> defs = {
      Required({.name = "input",
                .type = OptionType::kStringList,
                .doc = "The stream or streams it writes: source, operator or operator.output."}),
      {.name = "outbox",
       .type = OptionType::kTable,
       .doc = "Instead of topic: its records are action intents, written to this topic."}};
  return defs;
}

const std::vector<OptionDef>& SinkOptionDefs() {
  static const std::vector<OptionDef> defs = [] {
    std::vector<OptionDef> all = LogSinkOptionDefs();
    std::erase_if(all, [](const OptionDef& def) { return def.name == "input"; });
    return all;
  }();
  return defs;
}

std::vector<OptionDef> WithFormats(std::vector<OptionDef> defs, const Registry& registry) {
  for (OptionDef& def : defs) {
    if (def.type != OptionType::kVariant || def.name != "format") continue;
    for (const std::string& name : registry.FormatNames()) {
      const FormatType* format = registry.FindFormat(name);
      def.table.push_back(
          {.name = name, .type = OptionType::kTable, .doc = format->doc, .table = format->options});
    }
  }
  return defs;
}

}  // namespace weir
