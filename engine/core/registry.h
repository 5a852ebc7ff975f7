// What exists, by name (DESIGN D4). Filled by explicit calls in engine/cli/registrations.cc and in
// a user's main; there is no static self-registration. A name given twice is an error.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/http_client.h"
#include "engine/base/status.h"
#include "engine/core/agent_channel.h"
#include "engine/core/format.h"
#include "engine/core/log_client.h"
#include "engine/core/memo.h"
#include "engine/core/operator.h"
#include "engine/core/options.h"
#include "engine/core/plan_errors.h"
#include "engine/model/types.h"

namespace weir {

struct PlanInput {
  std::string name;  // "failures" or "guard.decisions"
  SchemaPtr schema;
  int event_time_field = -1;  // visible column that holds the event time, -1 if none does
};

struct OperatorPlanContext {
  std::string job;
  std::string name;
  std::string uid;
  std::string id_key;  // the job's secret for request ids and masking HMACs; never printed
  std::vector<PlanInput> inputs;
  const Options* options = nullptr;
  PlanErrors* errors = nullptr;
  // Reads a file named in the options, relative to the topology's folder.
  std::function<StatusOr<std::string>(const std::string& path)> read_file;
};

// What planning an operator gives.
struct OperatorPlan {
  struct Output {
    std::string name;  // "" = the default output, addressed by the operator's own name
    SchemaPtr schema;
    int event_time_field = -1;
  };
  std::vector<Output> outputs;
  std::vector<std::string> key;  // fields of the input; empty = not keyed
  bool stateful = true;
  // Topics whose records every subtask must receive (the rule log): the plan adds a source and a
  // broadcast edge; they arrive as inputs 1, 2, ... with the schema given, ahead of other input,
  // and take no part in event time. After a restore some of them come again although the restored
  // state holds them already: applying one twice must change nothing. An operator whose CanAccept
  // says no is handed records from behind a barrier; the checkpoint may then hold what they led to
  // in this subtask, but the broadcast state of another, which had not seen them. Such an operator
  // keeps how far it has read in a piece, and at a restore reads on from the lowest of all.
  struct ControlInput {
    std::string topic;
    SchemaPtr schema;
  };
  std::vector<ControlInput> control;
  // Topics that the operator writes by itself; deleted by --fresh.
  std::vector<std::string> internal_topics;
  // One call per subtask.
  std::function<StatusOr<std::unique_ptr<Operator>>()> create;
  std::vector<std::string> notes;  // lines for `weir explain`
};

struct OperatorType {
  std::string name;
  std::string doc;
  std::vector<OptionDef> options;
  // nullopt after errors were added to context.errors.
  std::function<std::optional<OperatorPlan>(const OperatorPlanContext&)> plan;
  bool mixed_inputs = false;  // its inputs may have different schemas (a join)
};

// A log by the scheme of its URL: "dir", "kafka".
struct LogType {
  std::string scheme;
  std::string doc;
  // `owner` is the job's name: what a writer owns on a log that several jobs share, it owns as
  // this.
  StatusOr<std::unique_ptr<LogClient>> (*create)(const Env& env, const std::string& url,
                                                 const std::string& owner);
  // Its partitions are files of lines that others may feed by hand: a record must be one line, and
  // who did not make a partition must not append to it.
  bool line_files = false;
};

// Of one operator subtask.
struct StateBackendConfig {
  std::string dir;    // folder of working state of this job (state.dir/<job>)
  int64_t epoch = 0;  // the job's incarnation: working state of another one is rubbish
  std::string uid;    // of the operator
  int subtask = 0;
  int64_t hot_bytes = 0;  // this subtask's share of state.hot_bytes
};

struct StateBackendType {
  std::string name;  // "memory", "rocksdb"
  StatusOr<std::unique_ptr<StateBackend>> (*create)(const Env& env,
                                                    const StateBackendConfig& config);
};

struct HttpClientType {
  std::string name;  // "curl"
  StatusOr<std::shared_ptr<HttpClient>> (*create)(const Env& env, const HttpClientOptions& options);
};

class Registry {
 public:
  Status AddOperator(OperatorType type);
  Status AddFormat(FormatType type);
  Status AddLog(LogType type);
  Status AddStateBackend(StateBackendType type);
  Status AddAgentChannel(AgentChannelType type);
  Status AddMemo(MemoType type);
  // There is at most one.
  Status AddHttpClient(HttpClientType type);

  // nullptr when unknown.
  const OperatorType* FindOperator(std::string_view name) const;
  const FormatType* FindFormat(std::string_view name) const;
  const LogType* FindLog(std::string_view scheme) const;
  const StateBackendType* FindStateBackend(std::string_view name) const;
  const AgentChannelType* FindAgentChannel(std::string_view scheme) const;
  const MemoType* FindMemo(std::string_view scheme) const;
  const HttpClientType* FindHttpClient() const {
    return http_.create == nullptr ? nullptr : &http_;
  }
  std::vector<std::string> OperatorNames() const;
  std::vector<std::string> FormatNames() const;
  std::vector<std::string> LogSchemes() const;
  std::vector<std::string> StateBackendNames() const;
  std::vector<std::string> MemoSchemes() const;

 private:
  std::map<std::string, OperatorType, std::less<>> operators_;
  std::map<std::string, FormatType, std::less<>> formats_;
  std::map<std::string, LogType, std::less<>> logs_;
  std::map<std::string, StateBackendType, std::less<>> backends_;
  std::map<std::string, AgentChannelType, std::less<>> channels_;
  std::map<std::string, MemoType, std::less<>> memos_;
  HttpClientType http_ = {"", nullptr};
};

}  // namespace weir
