// weirctl's command line. CLI11's header is heavy and stays in this file.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "engine/base/admin_errors.h"
#include "engine/base/env.h"
#include "engine/base/log.h"
#include "engine/cli/ctl.h"
#include "engine/expr/text.h"

namespace weir {
namespace {

constexpr const char* kFooter =
    "The job is found through --address, $WEIR_ADMIN, or the address file that a running job\n"
    "keeps below --data, $WEIR_DATA or ./data, in this order.\n"
    "Environment: WEIR_ADMIN, WEIR_DATA, WEIR_ADMIN_TOKEN_FILE.\n"
    "\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 3 the job cannot be reached; 4 there is no\n"
    "such rule, decision, savepoint or operator; 5 the token is missing or wrong; 6 no end within\n"
    "--timeout, the job may still do it; 7 a checkpoint or savepoint is damaged.";

using Command = std::function<Status(const CtlArgs&, const Env&)>;

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("weirctl ") + WEIR_VERSION);
    // Global options may stand behind the command as well.
    app_.fallthrough();
    AddGlobals();
    AddStatus();
    AddSnapshots();
    AddLifeCycle();
    AddRules();
    auto* completion = app_.add_subcommand("completion", "Print a completion script");
    completion->add_option("shell", shell_, "bash")->required()->check(CLI::IsMember({"bash"}));
    auto* reference = app_.add_subcommand("reference", "Print docs/weirctl.md");
    reference->group("");  // not shown
    app_.footer(kFooter);  // last, or every command would have it
  }

  CLI::App& app() { return app_; }
  const CtlArgs& args() const { return args_; }
  const std::string& shell() const { return shell_; }
  // The leaf command that was chosen; nullptr for completion and reference.
  const Command* chosen() const {
    for (const auto& [command, run] : commands_) {
      if (command->parsed()) return &run;
    }
    return nullptr;
  }

 private:
  void AddGlobals() {
    app_.add_option("--address", args_.address, "HOST:PORT of the job's admin service");
    app_.add_option("--data", args_.data, "The job's data folder, its WEIR_DATA");
    app_.add_option("--job", args_.job, "Which job, if the folder holds several");
    app_.add_option("--token-file", args_.token_file,
                    "File with the token that the job asks for off loopback");
    app_.add_option("-o,--output", args_.output, "table or json")
        ->check(CLI::IsMember({"table", "json"}));
    app_.add_option("--timeout", args_.timeout_s,
                    "Seconds to wait for an answer [30, for snapshots and switches 600]")
        ->check(CLI::PositiveNumber);
  }
  CLI::App* Add(CLI::App* parent, const std::string& name, const std::string& doc, Command run) {
    CLI::App* command = parent->add_subcommand(name, doc);
    command->fallthrough();
    commands_.emplace_back(command, std::move(run));
    return command;
  }
  CLI::App* Noun(const std::string& name, const std::string& doc) {
    CLI::App* noun = app_.add_subcommand(name, doc);
    noun->require_subcommand(1);
    noun->fallthrough();
    return noun;
  }
  void AddOperator(CLI::App* command) {
    command->add_option("--operator", args_.op, "Which operator, if several make rules");
  }

  void AddStatus() {
    Add(&app_, "status", "What the job does, and how well", CtlStatus);
    auto* top = Add(&app_, "top", "status, again and again, with rates", CtlTop);
    top->add_option("--interval", args_.interval_s, "Seconds between two looks")
        ->check(CLI::PositiveNumber);
    top->add_option("--iterations", args_.iterations, "End after so many; 0 = never")
        ->check(CLI::NonNegativeNumber);
  }
  void AddSnapshots() {
    auto* savepoint = Noun("savepoint", "Savepoints: made on request, kept until you remove them");
    Add(savepoint, "create", "Take a savepoint and wait for it", CtlSavepointCreate)
        ->add_option("name", args_.name, "Its name")
        ->required();
    AddList(
        Add(savepoint, "list", "Savepoints of the job, running or not",
            [](const CtlArgs& args, const Env& env) { return CtlSnapshotList(args, true, env); }));
    auto* verify = Add(savepoint, "verify", "Read every byte of a savepoint, with or without a job",
                       CtlSavepointVerify);
    verify->add_option("name", args_.name, "Its name, or a folder (with a '/')")->required();
    verify->add_flag("--offline", args_.offline, "Do not ask the job, read its folder");
    auto* checkpoint = Noun("checkpoint", "Checkpoints: made by the job, removed by the job");
    AddList(
        Add(checkpoint, "list", "Checkpoints of the job, running or not",
            [](const CtlArgs& args, const Env& env) { return CtlSnapshotList(args, false, env); }));
    Add(checkpoint, "trigger", "Take a checkpoint now and wait for it", CtlCheckpointTrigger);
  }
  void AddList(CLI::App* command) {
    command->add_flag("--verify", args_.verify, "Read every byte, not only names and sizes");
    command->add_flag("--offline", args_.offline, "Do not ask the job, read its folder");
  }
  void AddLifeCycle() {
    auto* stop =
        Add(&app_, "stop", "End the job: what is pending is finished, the rest is saved", CtlStop);
    stop->add_option("--savepoint", args_.name,
                     "Leave this savepoint behind instead of a last checkpoint");
    auto* cancel =
        Add(&app_, "cancel", "End the job at once, without a last checkpoint", CtlCancel);
    cancel->add_flag("--yes", args_.yes, "Do not ask");
  }
  void AddRules() {
    auto* rules = Noun("rules", "Rules of agent loops, and their kill switch");
    auto* list = Add(rules, "list", "Rules that stand", CtlRulesList);
    AddOperator(list);
    list->add_option("--contains", args_.contains,
                     "Only with this text in id, condition or action");
    list->add_option("--limit", args_.limit, "At most so many")->check(CLI::Range(1, 10'000));
    list->add_flag("--all", args_.all, "Also those that have expired");
    AddId(Add(rules, "show", "One rule, and who switched it", CtlRulesShow));
    auto* disable =
        Add(rules, "disable", "Switch a rule off, on all subtasks, durably",
            [](const CtlArgs& args, const Env& env) { return CtlRulesSwitch(args, true, env); });
    auto* enable =
        Add(rules, "enable", "Switch it on again",
            [](const CtlArgs& args, const Env& env) { return CtlRulesSwitch(args, false, env); });
    for (CLI::App* command : {disable, enable}) {
      AddId(command);
      command->add_option("--reason", args_.reason, "Why; it is kept with the rule")->required();
      command->add_option("--by", args_.by, "Who [$USER]");
    }
    auto* decisions = Noun("decisions", "What was decided, and why");
    AddId(Add(decisions, "show", "One decision and its rule", CtlDecisionShow));
  }
  void AddId(CLI::App* command) {
    command->add_option("id", args_.name, "Its id, or the beginning of it")->required();
    AddOperator(command);
  }

  CLI::App app_{"weirctl: look at a running Weir job, save it, stop it, switch its rules off",
                "weirctl"};
  CtlArgs args_;
  std::string shell_;
  std::vector<std::pair<CLI::App*, Command>> commands_;
};

std::vector<CLI::App*> Shown(CLI::App* app) {
  return app->get_subcommands([](CLI::App* sub) { return !sub->get_group().empty(); });
}

std::string OptionsOf(CLI::App* app) {
  std::string out;
  for (const CLI::Option* option : app->get_options()) {
    if (option->check_lname("help") && app->get_parent() != nullptr) continue;  // the root's
    for (const std::string& name : option->get_lnames()) absl::StrAppend(&out, " --", name);
    for (const std::string& name : option->get_snames()) absl::StrAppend(&out, " -", name);
  }
  return out;
}

// One line a command: "savepoint list) words='...'".
void AppendCases(CLI::App* app, const std::string& path, const std::string& globals,
                 std::string* out) {
  std::string words;
  for (CLI::App* sub : Shown(app)) absl::StrAppend(&words, " ", sub->get_name());
  absl::StrAppend(out, "    '", path, "') words='", words,
                  app->get_parent() == nullptr ? "" : OptionsOf(app), globals, "' ;;\n");
  for (CLI::App* sub : Shown(app)) {
    AppendCases(sub, path.empty() ? sub->get_name() : absl::StrCat(path, " ", sub->get_name()),
                globals, out);
  }
}

std::string BashCompletion(CLI::App* app) {
  std::string cases;
  AppendCases(app, "", OptionsOf(app), &cases);
  return absl::StrCat(R"(# bash completion of weirctl:  source <(weirctl completion bash)
_weirctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= word words=
  case $prev in
    -o | --output) COMPREPLY=($(compgen -W 'table json' -- "$cur")); return ;;
    --data | --token-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      status|top|savepoint|checkpoint|stop|cancel|rules|decisions|completion) path=$word ;;
      create|list|verify|trigger|show|disable|enable)
        [[ $path == *' '* || -z $path ]] || path="$path $word" ;;
    esac
  done
  case $path in
)",
                      cases, R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _weirctl weirctl
)");
}

void AppendPage(CLI::App* app, const std::string& parent, std::string* out) {
  const std::string path =
      parent.empty() ? app->get_name() : absl::StrCat(parent, " ", app->get_name());
  absl::StrAppend(out, "\n## `", path, "`\n\n```\n", app->help(parent, CLI::AppFormatMode::Normal));
  while (out->ends_with("\n\n")) out->pop_back();
  absl::StrAppend(out, "```\n");
  for (CLI::App* sub : Shown(app)) AppendPage(sub, path, out);
}

std::string Reference() {
  std::string out =
      "# weirctl\n\nGenerated by `weirctl reference`. How to use it: "
      "[operations.md](operations.md).\n";
  CommandLine unparsed;  // a parsed one shows only the help of the command that was chosen
  AppendPage(&unparsed.app(), "", &out);
  return out;
}

int ExitStatus(const Status& status) {
  if (status.ok()) return kCtlOk;
  const int number = ErrorNumber(status);
  if (number == static_cast<int>(ErrorCode::kStateNoCheckpoint)) return kCtlNotFound;
  if (number == static_cast<int>(ErrorCode::kStateCorrupt)) return kCtlDamaged;
  switch (static_cast<AdminError>(number)) {
    case AdminError::kAdminUnreachable:
      return kCtlUnreachable;
    case AdminError::kAdminNotFound:
      return kCtlNotFound;
    case AdminError::kAdminDenied:
      return kCtlDenied;
    case AdminError::kAdminCancelled:
      return kCtlTimedOut;
    case AdminError::kAdminBadRequest:
    case AdminError::kAdminAmbiguous:
      return kCtlUsage;
    default:
      return kCtlFailed;
  }
}

}  // namespace

int CtlMain(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (expr::IsValidUtf8(argv[i])) continue;  // no message could carry it
    std::cerr << "weirctl: WEIR-8006: argument " << i
              << " is not UTF-8: " << EscapeForLog(argv[i], false) << "\n";
    return kCtlUsage;
  }
  CommandLine line;
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return line.app().exit(e) == 0 ? kCtlOk : kCtlUsage;
  }
  if (line.app().got_subcommand("completion")) {
    std::cout << BashCompletion(&line.app());
    return kCtlOk;
  }
  const Command* command = line.chosen();
  if (command == nullptr) {
    std::cout << Reference();
    return kCtlOk;
  }
  SetLogLevel(LogLevel::kWarning);
  RealEnv env;
  const Status status = (*command)(line.args(), env.env());
  if (!status.ok()) std::cerr << "weirctl: " << FormatError(status) << "\n";
  return ExitStatus(status);
}

}  // namespace weir
