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

constexpr char kOverview[] =
    R"(Weir: a native stream processing engine with an agent loop.

A job is one YAML file, the topology. First steps with a new one:

  weir validate job.yaml                every problem in it, with line and column
  weir test job.yaml                    its tests, in virtual time, nothing touched
  weir run job.yaml --until-end         process what is there, then end
  weir run job.yaml                     run until Ctrl-C or SIGTERM; start again to go on

Looking at a job
  validate   check a topology           explain    the physical plan
  graph      mermaid, dot or json       test       run the topology's tests
  eval       try a CEL expression       dlq        dead letters: list, show, replay

Running it
  run        run a job

The rest
  reference  every option, every error (markdown)
  completion for bash:  source <(weir completion bash)
  version

weir COMMAND --help tells more.
Exit status: 0 fine, 1 failed, 2 wrong usage, 78 the topology is wrong.
)";

// A command whose help ends with an example.
CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& doc,
                     const std::string& example) {
  CLI::App* command = app->add_subcommand(name, doc);
  command->footer("Example:\n  " + example);
  return command;
}

void AddTopologyArgs(CLI::App* command, TopologyArgs* args) {
  command->add_option("file", args->file, "The topology, a YAML file")->required();
  command->add_option("--set", args->sets, "Override one field: --set job.parallelism=4")
      ->allow_extra_args(false);
}

void AddRunArgs(CLI::App* command, RunArgs* args) {
  AddTopologyArgs(command, &args->topology);
  command->add_flag("--until-end", args->until_end,
                    "End when everything that is there has been processed");
  auto* fresh = command->add_flag(
      "--fresh", args->fresh, "Begin anew: forget checkpoints and outputs (asks on a terminal)");
  command->add_flag("--yes", args->yes, "Do not ask");
  command
      ->add_option("--from-savepoint", args->from_savepoint,
                   "Start from this savepoint (name or folder)")
      ->excludes(fresh)
      ->check([](const std::string& name) {  // mostly a variable that is not set
        return name.empty() ? std::string("the name of the savepoint is empty") : std::string();
      });
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

void AddDlqFilters(CLI::App* command, DlqArgs* args) {
  AddTopologyArgs(command, &args->topology);
  command->add_option("--sink", args->sink, "Only dead letters that this sink writes");
  command->add_option("--topic", args->topic, "Only records of this topic");
  command->add_option("--error", args->error, "Only this error: 2001 or WEIR-2001");
  command->add_option("--since", args->since,
                      "Only written since: 2026-07-11T12:00:00Z, or 2h ago");
  command->add_option("--until", args->until, "Only written until");
}

void AddDlqOutput(CLI::App* command, DlqArgs* args) {
  command
      ->add_option_function<std::string>(
          "-o,--output", [args](const std::string& form) { args->json = form == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
}

void AddDlq(CLI::App* app, DlqArgs* args) {
  CLI::App* dlq =
      AddCommand(app, "dlq", "Dead letters: list, show, replay", "weir dlq list job.yaml");
  dlq->require_subcommand(1);
  CLI::App* list = AddCommand(dlq, "list", "List dead letters, with counts by error",
                              "weir dlq list job.yaml --error 2002 --since 2h");
  AddDlqFilters(list, args);
  AddDlqOutput(list, args);
  list->add_option("-n,--limit", args->limit, "At most so many lines (default 100)")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}));
  list->add_flag("--counts", args->counts, "Only how many of each error");
  CLI::App* show = AddCommand(dlq, "show", "Show one dead letter with its original bytes",
                              "weir dlq show job.yaml 0/17 --raw > record.bin");
  AddTopologyArgs(show, &args->topology);
  show->add_option("id", args->ids, "PARTITION/OFFSET, as list shows it")->required()->expected(1);
  show->add_option("--sink", args->sink, "Only dead letters that this sink writes");
  AddDlqOutput(show, args);
  show->add_flag("--raw", args->raw, "Write the original bytes and nothing else");
  CLI::App* replay =
      AddCommand(dlq, "replay", "Put original records back into their topic, each once",
                 "weir dlq replay job.yaml --error 2002        # says what it would do\n"
                 "  weir dlq replay job.yaml --error 2002 --yes");
  AddDlqFilters(replay, args);
  replay->add_option("id", args->ids, "Only these dead letters: PARTITION/OFFSET");
  replay->add_option("--to", args->to, "Into this topic instead");
  replay->add_flag("--yes", args->yes, "Do it; without this, say what would be done");
}

// Completion of commands, options and file names. The words of each command stand in a case of the
// script, so the shell does not start `weir` at each key.
constexpr char kBashBegin[] = R"(# Completion of weir for bash:  source <(weir completion bash)
_weir() {
  local cur=${COMP_WORDS[COMP_CWORD]} path= words= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $(_weir_words "$path") " in *" $word "*) [[ $word == -* ]] || path="$path/$word" ;; esac
  done
  words=$(_weir_words "$path")
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ $cur == -* || -z $path ]] || COMPREPLY+=($(compgen -f -- "$cur"))
}
_weir_words() {
  case $1 in
)";
constexpr char kBashEnd[] = R"(  esac
}
complete -o filenames -F _weir weir
)";

std::string BashCases(const CLI::App& app, const std::string& path) {
  std::string words, cases;
  for (const CLI::App* command : app.get_subcommands({})) {
    words += " " + command->get_name();
    cases += BashCases(*command, path + "/" + command->get_name());
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += " --" + name;
  }
  return "    '" + path + "') echo \"" + words.substr(std::min<size_t>(1, words.size())) +
         "\" ;;\n" + cases;
}

// All options of all commands, and which command was chosen.
struct CommandLine {
  CLI::App app{"Weir: a native stream processing engine with an agent loop", "weir"};
  TopologyArgs topology;
  RunArgs run;
  EvalArgs eval;
  ReferenceArgs reference;
  DlqArgs dlq;
  std::string graph_format = "mermaid";
  std::string only;
  std::string shell;

  CommandLine() {
    app.require_subcommand(1);
    AddTopologyArgs(AddCommand(&app, "validate", "Check a topology; print every problem in it",
                               "weir validate job.yaml --set job.parallelism=4"),
                    &topology);
    AddTopologyArgs(AddCommand(&app, "explain", "Print the physical plan", "weir explain job.yaml"),
                    &topology);
    auto* graph = AddCommand(&app, "graph", "Print the job's graph",
                             "weir graph job.yaml --format dot | dot -Tsvg > job.svg");
    AddTopologyArgs(graph, &topology);
    graph->add_option("--format", graph_format, "mermaid, dot or json")
        ->check(CLI::IsMember({"mermaid", "dot", "json"}));
    auto* test = AddCommand(&app, "test", "Run the topology's tests in virtual time",
                            "weir test job.yaml --only 'late events'");
    AddTopologyArgs(test, &topology);
    test->add_option("--only", only, "Only tests whose name contains this");
    AddEval();
    AddRunArgs(AddCommand(&app, "run", "Run a job",
                          "WEIR_DATA=/tmp/guard weir run job.yaml --until-end --summary end.json"),
               &run);
    AddDlq(&app, &dlq);
    auto* docs = AddCommand(&app, "reference", "Print a reference page (markdown)",
                            "weir reference errors | grep WEIR-2003");
    docs->add_option("page", reference.what, "errors, metrics or options")
        ->required()
        ->check(CLI::IsMember({"errors", "metrics", "options"}));
    AddCommand(&app, "completion", "Print the completion script of a shell",
               "source <(weir completion bash)")
        ->add_option("shell", shell, "bash")
        ->required()
        ->check(CLI::IsMember({"bash"}));
    AddCommand(&app, "version", "Print the version", "weir version");
  }

  void AddEval() {
    auto* command =
        AddCommand(&app, "eval", "Evaluate a CEL expression for every line of a file",
                   "weir eval --schema s.yaml --events e.ndjson --expr 'size(user) > 3'");
    command->add_option("--schema", eval.schema, "YAML file: { field: type, ... }")->required();
    command->add_option("--events", eval.events, "NDJSON file")->required();
    command->add_option("--expr", eval.expr, "CEL expression")->required();
  }

  int Dispatch(const Registry& registry, const Env& env) {
    if (app.got_subcommand("completion")) {
      std::cout << kBashBegin << BashCases(app, "") << kBashEnd;
      return kExitOk;
    }
    if (app.got_subcommand("validate")) return ValidateCommand(topology, registry, env);
    if (app.got_subcommand("explain")) return ExplainCommand(topology, registry, env);
    if (app.got_subcommand("graph")) return GraphCommand(topology, graph_format, registry, env);
    if (app.got_subcommand("test")) return TestCommand(topology, only, registry, env);
    if (app.got_subcommand("eval")) return EvalCommand(eval, env);
    if (app.got_subcommand("dlq")) {
      const CLI::App* chosen = app.get_subcommand("dlq");
      const DlqVerb verb = chosen->got_subcommand("list")   ? DlqVerb::kList
                           : chosen->got_subcommand("show") ? DlqVerb::kShow
                                                            : DlqVerb::kReplay;
      return DlqCommand(dlq, verb, registry, env);
    }
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
  if (argc <= 1) {
    std::cout << kOverview;
    return kExitUsage;
  }
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
