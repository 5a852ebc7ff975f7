// weirctl: what its commands take, how they end, and the commands themselves.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/env.h"
#include "engine/base/status.h"

namespace weir {

// Exit statuses; `weirctl --help` and docs/weirctl.md tell them too.
inline constexpr int kCtlOk = 0;
inline constexpr int kCtlFailed = 1;
inline constexpr int kCtlUsage = 2;
inline constexpr int kCtlUnreachable = 3;
inline constexpr int kCtlNotFound = 4;
inline constexpr int kCtlDenied = 5;
inline constexpr int kCtlTimedOut = 6;
inline constexpr int kCtlDamaged = 7;

struct CtlArgs {
  std::string address;
  std::string data;
  std::string job;
  std::string token_file;
  std::string output = "table";
  double timeout_s = 0;  // 0 = the command's own
  bool offline = false;
  bool yes = false;

  std::string name;  // of a savepoint; id of a rule or decision
  std::string op;    // --operator
  std::string reason, by;
  std::string contains;
  int limit = 1000;
  int iterations = 0;  // 0 = until stopped
  double interval_s = 1;
  bool all = false;
  bool verify = false;

  bool json() const { return output == "json"; }
};

// Each prints its result to stdout; an error goes back to CtlMain, which prints and numbers it.
Status CtlStatus(const CtlArgs& args, const Env& env);
Status CtlTop(const CtlArgs& args, const Env& env);
Status CtlSavepointCreate(const CtlArgs& args, const Env& env);
Status CtlSavepointVerify(const CtlArgs& args, const Env& env);
Status CtlCheckpointTrigger(const CtlArgs& args, const Env& env);
Status CtlSnapshotList(const CtlArgs& args, bool savepoints, const Env& env);
Status CtlStop(const CtlArgs& args, const Env& env);
Status CtlCancel(const CtlArgs& args, const Env& env);
Status CtlRulesList(const CtlArgs& args, const Env& env);
Status CtlRulesShow(const CtlArgs& args, const Env& env);
Status CtlRulesSwitch(const CtlArgs& args, bool disable, const Env& env);
Status CtlDecisionShow(const CtlArgs& args, const Env& env);

// The whole program.
int CtlMain(int argc, char** argv);

}  // namespace weir
