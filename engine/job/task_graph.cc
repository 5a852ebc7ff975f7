#include "engine/job/task_graph.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"

namespace weir {

StatusOr<std::unique_ptr<TaskGraph>> TaskGraph::Build(const PhysicalPlan& plan,
                                                      const Registry& registry,
                                                      const JobServices& services, int64_t epoch,
                                                      const RestorePoint& point,
                                                      const TaskGraphOptions& options) {
  std::unique_ptr<TaskGraph> graph(new TaskGraph());
  WEIR_RETURN_IF_ERROR(graph->MakeNodes(plan, registry, services, epoch, options));
  WEIR_RETURN_IF_ERROR(graph->Restore(plan, services, point, options.allow_non_restored));
  graph->MakeTasks(plan, services, options);
  WEIR_RETURN_IF_ERROR(graph->Connect(plan, services));
  return graph;
}

Status TaskGraph::MakeNodes(const PhysicalPlan& plan, const Registry& registry,
                            const JobServices& services, int64_t epoch,
                            const TaskGraphOptions& options) {
  for (const PhysicalTask& physical : plan.tasks) {
    first_.push_back(static_cast<int>(configs_.size()));
    for (int subtask = 0; subtask < physical.parallelism; ++subtask) {
      std::vector<NodeConfig> configs;
      for (const ChainMember& member : physical.chain) {
        const LogicalNode& node = plan.node(member);
        WEIR_ASSIGN_OR_RETURN(NodeConfig config, MakeNode(plan, node, subtask, epoch, registry,
                                                          services.env, options.nodes));
        configs.push_back(std::move(config));
      }
      configs_.push_back(std::move(configs));
      control_.push_back(plan.node(physical.chain[0]).kind == NodeKind::kControl);
    }
    for (const ChainMember& member : physical.chain) {
      const LogicalNode& node = plan.node(member);
      OperatorState state;
      state.uid = node.uid;
      state.name = node.name;
      state.parallelism = node.parallelism;
      operators_.push_back(std::move(state));
    }
  }
  return absl::OkStatus();
}

Status TaskGraph::Restore(const PhysicalPlan& plan, const JobServices& services,
                          const RestorePoint& point, bool allow_non_restored) {
  if (point.manifest == nullptr) return absl::OkStatus();
  const Manifest& manifest = *point.manifest;
  std::map<std::string, const OperatorState*> saved;
  for (const OperatorState& op : manifest.operators) saved[op.uid] = &op;

  struct Place {
    size_t physical, member;
    RestoreTarget target;
  };
  std::vector<Place> places;
  std::vector<RestoreTarget> targets;
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    for (size_t m = 0; m < plan.tasks[t].chain.size(); ++m) {
      Place place{t, m, {plan.node(plan.tasks[t].chain[m]).uid, {}}};
      for (int s = 0; s < plan.tasks[t].parallelism; ++s) {
        place.target.backends.push_back(configs_[TaskNumber(t, s)][m].backend.get());
      }
      targets.push_back(place.target);
      places.push_back(std::move(place));
    }
  }
  WEIR_RETURN_IF_ERROR(CheckFits(manifest, plan.logical.job.name, plan.logical.job.max_parallelism,
                                 targets, allow_non_restored));
  for (const Place& place : places) {
    const auto it = saved.find(place.target.uid);
    if (it == saved.end()) continue;  // new in this job: starts empty
    WEIR_RETURN_IF_ERROR(
        RestoreKeyedState(services.storage.get(), point, *it->second, place.target));
    const std::vector<StatePiece> pieces = CollectPieces(*it->second);
    const int parallelism = plan.tasks[place.physical].parallelism;
    for (int s = 0; s < parallelism; ++s) {
      const int number = TaskNumber(static_cast<int>(place.physical), s);
      NodeConfig& config = configs_[number][place.member];
      config.restored = pieces;
      config.is_restore = true;
      if (WEIR_PLANTED_BUG("B-33")) continue;
      config.watermark = RestoredWatermark(*it->second, s, parallelism);
    }
  }
  return absl::OkStatus();
}

void TaskGraph::MakeTasks(const PhysicalPlan& plan, const JobServices& services,
                          const TaskGraphOptions& options) {
  const int slots = options.slot_per_task ? static_cast<int>(configs_.size()) : options.slots;
  for (int i = 0; i < slots; ++i) slots_.push_back(std::make_unique<Slot>());
  for (const PhysicalTask& physical : plan.tasks) {
    for (int s = 0; s < physical.parallelism; ++s) {
      const int number = static_cast<int>(tasks_.size());
      const int slot = options.slot_per_task ? number : s % slots;
      slot_of_.push_back(slot);
      tasks_.push_back(std::make_unique<Task>(number, physical.name, std::move(configs_[number]),
                                              services.env.scheduler->WakerFor(slot), services));
      slots_[slot]->Add(tasks_.back().get());
    }
  }
}

Status TaskGraph::Connect(const PhysicalPlan& plan, const JobServices& services) {
  struct Inputs {
    std::vector<int> inputs;
    std::vector<bool> control;
    std::vector<Channel*> channels;
  };
  std::vector<Inputs> inputs(tasks_.size());
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    const PhysicalTask& physical = plan.tasks[t];
    for (int s = 0; s < physical.parallelism; ++s) {
      Task* task = tasks_[TaskNumber(static_cast<int>(t), s)].get();
      for (size_t m = 1; m < physical.chain.size(); ++m) {
        const ChainMember& member = physical.chain[m];
        task->node(member.parent)->AddChained(member.port, task->node(m), 0);
      }
    }
  }
  for (const PhysicalEdge& edge : plan.edges) {
    const PhysicalTask& from = plan.tasks[edge.from_task];
    const PhysicalTask& to = plan.tasks[edge.to_task];
    const LogicalNode& producer = plan.node(from.chain[edge.from_member]);
    for (int s = 0; s < from.parallelism; ++s) {
      const int from_number = TaskNumber(edge.from_task, s);
      std::vector<Channel*> channels;
      for (int c = 0; c < to.parallelism; ++c) {
        if (edge.partitioning == Partitioning::kForward && c != s) continue;
        const int to_number = TaskNumber(edge.to_task, c);
        channels_.push_back(
            std::make_unique<Channel>(services.env.scheduler->WakerFor(slot_of_[from_number]),
                                      services.env.scheduler->WakerFor(slot_of_[to_number])));
        channels.push_back(channels_.back().get());
        inputs[to_number].inputs.push_back(edge.input);
        inputs[to_number].control.push_back(edge.control);
        inputs[to_number].channels.push_back(channels.back());
      }
      KeySelector key;
      if (edge.partitioning == Partitioning::kKeyed) {
        WEIR_ASSIGN_OR_RETURN(key,
                              KeySelector::Create(*producer.outputs[edge.port].schema, edge.key));
      }
      tasks_[from_number]
          ->node(edge.from_member)
          ->AddEdge(edge.port, std::make_unique<OutputEdge>(edge.partitioning, std::move(key),
                                                            plan.logical.job.max_parallelism,
                                                            std::move(channels)));
    }
  }
  for (size_t i = 0; i < tasks_.size(); ++i) {
    Inputs& in = inputs[i];
    if (!in.channels.empty()) {
      tasks_[i]->SetInputs(std::move(in.inputs), std::move(in.control), std::move(in.channels));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
