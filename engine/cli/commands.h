// The commands of `weir`. Each returns the process's exit status.
#pragma once

#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/core/registry.h"

namespace weir {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfig = 78;  // sysexits' EX_CONFIG

// What every command that reads a topology takes.
struct TopologyArgs {
  std::string file;
  std::vector<std::string> sets;  // "a.b=c"
};

struct RunArgs {
  TopologyArgs topology;
  bool until_end = false;
  bool fresh = false;
  bool yes = false;
  std::string from_savepoint;
  std::string stop_with_savepoint;
  bool allow_fallback = false;
  bool allow_non_restored_state = false;
  bool quiet = false;
  std::string summary_file;  // the closing summary as JSON
  std::string log_format = "text";
  std::string log_level = "info";
};

struct EvalArgs {
  std::string schema;  // file
  std::string events;  // file
  std::string expr;
};

struct ReferenceArgs {
  std::string what;  // "errors", "metrics" or "options"
};

enum class DlqVerb { kList, kShow, kReplay };

struct DlqArgs {
  TopologyArgs topology;
  std::vector<std::string> ids;  // show: one; replay: none = all that the filters leave
  std::string sink;              // only the dead letters that this sink writes
  std::string topic;             // only records of this topic
  std::string error;             // only this error: "2001" or "WEIR-2001"
  std::string since, until;      // written then: RFC 3339, or a duration for "so long ago"
  int64_t limit = 100;           // list: at most so many lines
  bool counts = false;           // list: only how many of each error
  bool json = false;
  bool raw = false;  // show: the record's bytes and nothing else
  std::string to;    // replay: into this topic instead of the record's own
  bool yes = false;  // replay: do it
};

int ValidateCommand(const TopologyArgs& args, const Registry& registry, const Env& env);
int ExplainCommand(const TopologyArgs& args, const Registry& registry, const Env& env);
int GraphCommand(const TopologyArgs& args, const std::string& format, const Registry& registry,
                 const Env& env);
int RunCommand(const RunArgs& args, const Registry& registry, const Env& env);
int TestCommand(const TopologyArgs& args, const std::string& only, const Registry& registry,
                const Env& env);
int DlqCommand(const DlqArgs& args, DlqVerb verb, const Registry& registry, const Env& env);
int EvalCommand(const EvalArgs& args, const Env& env);
int ReferenceCommand(const ReferenceArgs& args, const Registry& registry);
int VersionCommand();

// Everything that Weir ships (registrations.cc, the one list of concretes).
Status RegisterAll(Registry* registry);

}  // namespace weir
