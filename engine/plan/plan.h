// The checked plan: plain data that engine/job turns into tasks. Nothing is decided later than here
// that could be decided here.
//
//   LogicalPlan   what computes what: one node per source, operator, sink and control topic
//   PhysicalPlan  what runs where: nodes chained into tasks, edges between tasks
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/operator.h"
#include "engine/core/options.h"
#include "engine/core/partitioning.h"
#include "engine/core/registry.h"
#include "engine/model/types.h"
#include "engine/plan/settings.h"

namespace weir {

class Diagnostics;
struct Topology;

// Bounds of a plan (kPlanParallelism above them): memory for rings grows with the channels.
inline constexpr int kMaxPlanNodes = 1024;
inline constexpr int kMaxPlanSubtasks = 16'384;         // over all tasks
inline constexpr int64_t kMaxPlanChannels = 4'000'000;  // producer-consumer pairs over all edges

enum class NodeKind : uint8_t {
  kSource,  // reads a topic; port 0 = records, port 1 = dead letters
  kOperator,
  kSink,     // writes a topic or, with is_outbox, action intents; no ports
  kControl,  // reads a control topic at parallelism 1 for one operator; port 0
};

// One output of a node; its index in LogicalNode::outputs is the port.
struct OutputPort {
  std::string name;  // "" = the default output, addressed by the node's own name
  SchemaPtr schema;
  int event_time_field = -1;
  // Fields by which equal rows are known to be on the same subtask, with the key group in the
  // hidden columns; empty = unknown.
  std::vector<std::string> keyed_by;
};

struct NodeInput {
  int node = -1;  // index in LogicalPlan::nodes
  int port = 0;
};

struct LogicalNode {
  NodeKind kind = NodeKind::kOperator;
  int number = 0;    // == index in LogicalPlan::nodes; Origin.source of what a source reads
  std::string name;  // as the topology calls it; a control node's is "<operator>#<topic>"
  std::string uid;   // stable address of its state
  std::string type;  // operator type; "log" for sources, sinks and control nodes
  int parallelism = 1;
  // Inputs in order: entry i arrives as Process(i, ...). Control topics follow as entries
  // inputs.size(), inputs.size() + 1, ... in the order of `controls`.
  std::vector<NodeInput> inputs;
  std::vector<int> controls;  // control nodes that feed this operator
  std::vector<OutputPort> outputs;
  Options options;  // with defaults; empty for control nodes
  SourceMark mark;

  OperatorPlan op;         // operators: what planning gave; `create` is called once per subtask
  FormatPlan format;       // sources and sinks; empty = JSON
  std::string topic;       // sources, sinks, control nodes
  std::string log;         // URL; the job's unless the node names its own
  bool is_outbox = false;  // sinks
};

struct LogicalPlan {
  JobSettings job;
  // Sources in file order, operators in topological order (file order among equals), sinks in file
  // order, control nodes. Inputs of an operator or sink therefore stand before it.
  std::vector<LogicalNode> nodes;

  const LogicalNode* Find(std::string_view name) const;
};

const char* PartitioningName(Partitioning partitioning);  // "forward", "keyed", ...

// A node's place in its task. A chain is a tree: several members may hang on one node's ports.
struct ChainMember {
  int node = -1;    // index in LogicalPlan::nodes
  int parent = -1;  // index in PhysicalTask::chain of the member that feeds it; -1 for the head
  int port = 0;     // the parent's port
};

struct PhysicalTask {
  int id = 0;                      // == index in PhysicalPlan::tasks
  std::string name;                // "seen -> failures -> guard"
  std::vector<ChainMember> chain;  // parents before children; chain[0] is the head
  int parallelism = 1;
};

struct PhysicalEdge {
  int from_task = 0;
  int from_member = 0;  // index in the from-task's chain
  int port = 0;
  int to_task = 0;  // always enters the head of that chain
  int input = 0;    // index of the head's input (Operator::Process)
  Partitioning partitioning = Partitioning::kForward;
  std::vector<std::string> key;  // kKeyed: fields of the schema that travels here
  // Taken before any other input, ignores capacity, takes no part in event time (D14).
  bool control = false;
};

struct PhysicalPlan {
  LogicalPlan logical;
  std::vector<PhysicalTask> tasks;  // producers before consumers, but for control edges
  std::vector<PhysicalEdge> edges;  // by (from_task, from_member, port, to_task, input)

  const LogicalNode& node(const ChainMember& member) const { return logical.nodes[member.node]; }
  int subtasks() const;
};

// Plans every node of `topology` whose options are good; the problems of all of them are added to
// *diagnostics. An error (the first one found) exactly if *diagnostics holds one.
StatusOr<PhysicalPlan> BuildPlan(const Topology& topology, const Registry& registry,
                                 Diagnostics* diagnostics);

// Chains nodes into tasks and gives edges their partitioning. For plans that were not read from a
// topology (engine/api); BuildPlan calls it too.
StatusOr<PhysicalPlan> MakePhysical(LogicalPlan logical);

}  // namespace weir
