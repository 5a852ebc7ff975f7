// Command line to command. CLI11's header is heavy and stays in this file.
#include <weir/weir.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "engine/base/env.h"
#include "engine/base/log.h"
#include "engine/cli/commands.h"
#include "engine/core/options.h"

namespace weir {
namespace {

void AddTopologyArgs(CLI::App* command, TopologyArgs* args) {
  command->add_option("file", args->file, "The topology, a YAML file")->required();
  command->add_option("--set", args->sets, "Override one field: --set job.parallelism=4")
      ->allow_extra_args(false);
}

void AddRunArgs(CLI::App* command, RunArgs* args) {
  AddTopologyArgs(command, &args->topology);
  command->add_flag("--until-end", args->until_end,
                    "End when everything that is there has been processed");
  command->add_flag("--fresh", args->fresh,
                    "Begin anew: forget checkpoints and outputs (asks on a terminal)");
  command->add_flag("--yes", args->yes, "Do not ask");
  command->add_option("--from-savepoint", args->from_savepoint,
                      "Start from this savepoint (name or folder)");
  command->add_option("--stop-with-savepoint", args->stop_with_savepoint,
                      "When the job ends or is stopped, leave this savepoint behind");
  command->add_flag("--allow-fallback", args->allow_fallback,
                    "If the newest checkpoint is damaged, use an older one");
  command->add_flag("--allow-non-restored-state", args->allow_non_restored_state,
                    "Drop state of operators that the job no longer has");
  command->add_flag("-q,--quiet", args->quiet, "No live summary");
  command->add_option("--summary", args->summary_file, "Write the closing summary here as JSON");
  command->add_option("--log-format", args->log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--log-level", args->log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

// All options of all commands, and which command was chosen.
struct CommandLine {
  CLI::App app{"Weir: a native stream processing engine with an agent loop", "weir"};
  TopologyArgs topology;
  RunArgs run;
  EvalArgs eval;
  ReferenceArgs reference;
  std::string graph_format = "mermaid";
  std::string only;

  CommandLine() {
    app.require_subcommand(1);
    AddTopologyArgs(app.add_subcommand("validate", "Check a topology; print every problem in it"),
                    &topology);
    AddTopologyArgs(app.add_subcommand("explain", "Print the physical plan"), &topology);
    auto* graph = app.add_subcommand("graph", "Print the job's graph");
    AddTopologyArgs(graph, &topology);
    graph->add_option("--format", graph_format, "mermaid, dot or json")
        ->check(CLI::IsMember({"mermaid", "dot", "json"}));
    auto* test = app.add_subcommand("test", "Run the topology's tests in virtual time");
    AddTopologyArgs(test, &topology);
    test->add_option("--only", only, "Only tests whose name contains this");
    auto* eval_command =
        app.add_subcommand("eval", "Evaluate a CEL expression for every line of a file");
    eval_command->add_option("--schema", eval.schema, "YAML file: { field: type, ... }")
        ->required();
    eval_command->add_option("--events", eval.events, "NDJSON file")->required();
    eval_command->add_option("--expr", eval.expr, "CEL expression")->required();
    AddRunArgs(app.add_subcommand("run", "Run a job"), &run);
    auto* docs = app.add_subcommand("reference", "Print a reference page (markdown)");
    docs->add_option("page", reference.what, "errors, metrics or options")
        ->required()
        ->check(CLI::IsMember({"errors", "metrics", "options"}));
    app.add_subcommand("version", "Print the version");
  }

  int Dispatch(const Registry& registry, const Env& env) {
    if (app.got_subcommand("validate")) return ValidateCommand(topology, registry, env);
    if (app.got_subcommand("explain")) return ExplainCommand(topology, registry, env);
    if (app.got_subcommand("graph")) return GraphCommand(topology, graph_format, registry, env);
    if (app.got_subcommand("test")) return TestCommand(topology, only, registry, env);
    if (app.got_subcommand("eval")) return EvalCommand(eval, env);
    if (app.got_subcommand("run")) return RunCommand(run, registry, env);
    if (app.got_subcommand("reference")) return ReferenceCommand(reference, registry);
    return VersionCommand();
  }
};

// A user's program calls itself by its own name.
std::string ProgramName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// CLI11 says of a misspelled command only that one is required.
void SuggestCommand(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return;
  const std::string near = NearestName(argv[1], names);
  std::cerr << "there is no command '" << argv[1] << "'"
            << (near.empty() ? "" : "; did you mean '" + near + "'?") << "\n";
}

}  // namespace

int JobMain(int argc, char** argv, const AddRegistrations& add) {
  CommandLine line;
  if (argc > 0) line.app.name(ProgramName(argv[0]));
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    SuggestCommand(line.app, argc, argv);
    return line.app.exit(e) == 0 ? kExitOk : kExitUsage;
  }
  Registry registry;
  Status status = RegisterAll(&registry);
  if (status.ok() && add) status = add(&registry);
  if (!status.ok()) {
    std::cerr << FormatError(status) << "\n";
    return kExitFailed;
  }
  // Threads that mostly wait, for disks and brokers; a task never runs on one.
  RealEnv env(8);
  return line.Dispatch(registry, env.env());
}

}  // namespace weir
