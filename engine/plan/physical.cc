// LogicalPlan -> PhysicalPlan: which nodes share a task, and how rows travel between tasks.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/plan/plan.h"

namespace weir {
namespace {

struct Place {
  int task = -1;
  int member = -1;
};

class Planner {
 public:
  explicit Planner(LogicalPlan logical) { plan_.logical = std::move(logical); }

  StatusOr<PhysicalPlan> Plan() {
    WEIR_RETURN_IF_ERROR(CheckNodes());
    places_.resize(nodes().size());
    // Producers stand before their consumers, so one pass sees every input's placement.
    for (size_t i = 0; i < nodes().size(); ++i) {
      Connect(static_cast<int>(i));
      FillKeyedBy(&nodes()[i]);
    }
    ConnectControls();
    for (PhysicalTask& task : plan_.tasks) task.name = ChainName(task, 0);
    std::sort(plan_.edges.begin(), plan_.edges.end(),
              [](const PhysicalEdge& a, const PhysicalEdge& b) {
                return std::tie(a.from_task, a.from_member, a.port, a.to_task, a.input) <
                       std::tie(b.from_task, b.from_member, b.port, b.to_task, b.input);
              });
    WEIR_RETURN_IF_ERROR(CheckSize());
    return std::move(plan_);
  }

 private:
  std::vector<LogicalNode>& nodes() { return plan_.logical.nodes; }
  const OutputPort& PortOf(const NodeInput& input) {
    return nodes()[static_cast<size_t>(input.node)].outputs[static_cast<size_t>(input.port)];
  }

  // A plan from a topology always passes; one that was built in code may not.
  Status CheckNodes() {
    const JobSettings& job = plan_.logical.job;
    if (nodes().size() > kMaxPlanNodes) {
      return Err(ErrorCode::kPlanParallelism,
                 absl::StrCat("the plan has ", nodes().size(), " nodes, at most ", kMaxPlanNodes));
    }
    for (size_t i = 0; i < nodes().size(); ++i) {
      const LogicalNode& node = nodes()[i];
      WEIR_CHECK(node.number == static_cast<int>(i), node.name);
      if (node.parallelism < 1 || node.parallelism > job.max_parallelism) {
        return Err(ErrorCode::kPlanParallelism,
                   absl::StrCat("'", node.name, "' has parallelism ", node.parallelism,
                                ", expected 1 to max_parallelism ", job.max_parallelism));
      }
      for (const NodeInput& input : node.inputs) {
        WEIR_CHECK(input.node >= 0 && input.node < static_cast<int>(i), node.name);
        WEIR_CHECK(input.port >= 0 &&
                       input.port < static_cast<int>(
                                        nodes()[static_cast<size_t>(input.node)].outputs.size()),
                   node.name);
      }
    }
    return absl::OkStatus();
  }

  // How the rows of `input` reach `node`.
  Partitioning PartitioningOf(const LogicalNode& node, const NodeInput& input) {
    const bool same = nodes()[static_cast<size_t>(input.node)].parallelism == node.parallelism;
    if (node.op.key.empty()) return same ? Partitioning::kForward : Partitioning::kRebalance;
    const bool in_place = same && PortOf(input).keyed_by == node.op.key;
    return in_place ? Partitioning::kForward : Partitioning::kKeyed;
  }

  // Puts the node into its producer's task, or into a new one that edges lead to.
  void Connect(int index) {
    LogicalNode& node = nodes()[static_cast<size_t>(index)];
    Place& place = places_[static_cast<size_t>(index)];
    const bool chained = node.inputs.size() == 1 && node.op.control.empty() &&
                         PartitioningOf(node, node.inputs[0]) == Partitioning::kForward;
    if (chained) {
      const Place& producer = places_[static_cast<size_t>(node.inputs[0].node)];
      auto& chain = plan_.tasks[static_cast<size_t>(producer.task)].chain;
      place = {producer.task, static_cast<int>(chain.size())};
      chain.push_back({index, producer.member, node.inputs[0].port});
      return;
    }
    place = {static_cast<int>(plan_.tasks.size()), 0};
    PhysicalTask task;
    task.id = place.task;
    task.parallelism = node.parallelism;
    task.chain.push_back({index, -1, 0});
    plan_.tasks.push_back(std::move(task));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      PhysicalEdge edge = EdgeFrom(node.inputs[i], place.task, static_cast<int>(i));
      edge.partitioning = PartitioningOf(node, node.inputs[i]);
      if (edge.partitioning == Partitioning::kKeyed) edge.key = node.op.key;
      plan_.edges.push_back(std::move(edge));
    }
  }

  PhysicalEdge EdgeFrom(const NodeInput& input, int to_task, int to_input) const {
    const Place& from = places_[static_cast<size_t>(input.node)];
    PhysicalEdge edge;
    edge.from_task = from.task;
    edge.from_member = from.member;
    edge.port = input.port;
    edge.to_task = to_task;
    edge.input = to_input;
    return edge;
  }

  void ConnectControls() {
    for (size_t i = 0; i < nodes().size(); ++i) {
      const LogicalNode& node = nodes()[i];
      for (size_t k = 0; k < node.controls.size(); ++k) {
        PhysicalEdge edge = EdgeFrom({node.controls[k], 0}, places_[i].task,
                                     static_cast<int>(node.inputs.size() + k));
        edge.partitioning = Partitioning::kBroadcast;
        edge.control = true;
        plan_.edges.push_back(std::move(edge));
      }
    }
  }

  // By which fields the rows that enter `node` are spread over its subtasks.
  std::vector<std::string> EntersKeyedBy(const LogicalNode& node) {
    if (!node.op.key.empty() || node.inputs.empty()) return node.op.key;
    const std::vector<std::string>& first = PortOf(node.inputs[0]).keyed_by;
    for (const NodeInput& input : node.inputs) {
      if (PartitioningOf(node, input) != Partitioning::kForward ||
          PortOf(input).keyed_by != first) {
        return {};
      }
    }
    return first;
  }

  // An output is keyed as its input if the key fields still hold the key. A keyed operator keeps
  // its key under the key's name. Any other may have put something else under the same name (a
  // projection), unless it passes rows on under the very schema that they came with.
  void FillKeyedBy(LogicalNode* node) {
    const std::vector<std::string> key = EntersKeyedBy(*node);
    if (key.empty()) return;
    const SchemaPtr& in = PortOf(node->inputs[0]).schema;
    for (OutputPort& output : node->outputs) {
      const bool kept = std::all_of(key.begin(), key.end(), [&](const std::string& name) {
        const int from = in->Find(name), to = output.schema->Find(name);
        return from >= 0 && to >= 0 && in->field(from).type == output.schema->field(to).type;
      });
      if (kept && (!node->op.key.empty() || output.schema == in)) output.keyed_by = key;
    }
  }

  // "a -> b -> (c, d)"
  std::string ChainName(const PhysicalTask& task, int member) {
    std::string name = plan_.node(task.chain[static_cast<size_t>(member)]).name;
    std::vector<std::string> children;
    for (size_t i = 1; i < task.chain.size(); ++i) {
      if (task.chain[i].parent == member) children.push_back(ChainName(task, static_cast<int>(i)));
    }
    if (children.empty()) return name;
    if (children.size() == 1) return absl::StrCat(name, " -> ", children[0]);
    std::string joined;
    for (const std::string& child : children) {
      absl::StrAppend(&joined, joined.empty() ? "" : ", ", child);
    }
    return absl::StrCat(name, " -> (", joined, ")");
  }

  Status CheckSize() const {
    const auto too_many = [](const char* what, int64_t n, int64_t most) {
      return Err(ErrorCode::kPlanParallelism,
                 absl::StrCat("the plan has ", n, " ", what, ", at most ", most, " are possible"),
                 "lower the parallelism");
    };
    if (plan_.subtasks() > kMaxPlanSubtasks) {
      return too_many("subtasks", plan_.subtasks(), kMaxPlanSubtasks);
    }
    int64_t channels = 0;
    for (const PhysicalEdge& edge : plan_.edges) {
      const int64_t from = plan_.tasks[static_cast<size_t>(edge.from_task)].parallelism;
      const int64_t to = plan_.tasks[static_cast<size_t>(edge.to_task)].parallelism;
      channels += edge.partitioning == Partitioning::kForward ? from : from * to;
    }
    if (channels > kMaxPlanChannels) return too_many("channels", channels, kMaxPlanChannels);
    return absl::OkStatus();
  }

  PhysicalPlan plan_;
  std::vector<Place> places_;  // by node
};

}  // namespace

int PhysicalPlan::subtasks() const {
  int64_t sum = 0;
  for (const PhysicalTask& task : tasks) sum += task.parallelism;
  return static_cast<int>(sum);  // at most kMaxPlanNodes * kMaxMaxParallelism = 2^25
}

const char* PartitioningName(Partitioning partitioning) {
  switch (partitioning) {
    case Partitioning::kForward:
      return "forward";
    case Partitioning::kKeyed:
      return "keyed";
    case Partitioning::kBroadcast:
      return "broadcast";
    case Partitioning::kRebalance:
      return "rebalance";
  }
  return "?";
}

StatusOr<PhysicalPlan> MakePhysical(LogicalPlan logical) {
  return Planner(std::move(logical)).Plan();
}

}  // namespace weir
