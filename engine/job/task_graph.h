// All tasks of a job with their channels: the physical plan come to life.
#pragma once

#include <memory>
#include <vector>

#include "engine/core/registry.h"
#include "engine/job/node_factory.h"
#include "engine/job/restore.h"
#include "engine/plan/plan.h"
#include "engine/runtime/slot.h"
#include "engine/runtime/task.h"

namespace weir {

struct TaskGraphOptions {
  NodeFactoryOptions nodes;
  int slots = 1;               // subtask i runs on slot i mod slots
  bool slot_per_task = false;  // simulation: the scheduler may interleave every pair of tasks
  bool allow_non_restored = false;
};

// Built on the starting thread, before any slot runs.
class TaskGraph {
 public:
  static StatusOr<std::unique_ptr<TaskGraph>> Build(const PhysicalPlan& plan,
                                                    const Registry& registry,
                                                    const JobServices& services, int64_t epoch,
                                                    const RestorePoint& point,
                                                    const TaskGraphOptions& options);

  int size() const { return static_cast<int>(tasks_.size()); }
  Task* task(int i) { return tasks_[i].get(); }
  // Reads input that can end; control sources never do.
  bool is_control(int i) const { return control_[i]; }
  int slots() const { return static_cast<int>(slots_.size()); }
  Slot* slot(int i) { return slots_[i].get(); }
  // For manifests: every operator with its parallelism.
  const std::vector<OperatorState>& operators() const { return operators_; }

 private:
  TaskGraph() = default;
  Status MakeNodes(const PhysicalPlan& plan, const Registry& registry, const JobServices& services,
                   int64_t epoch, const TaskGraphOptions& options);
  Status Restore(const PhysicalPlan& plan, const JobServices& services, const RestorePoint& point,
                 bool allow_non_restored);
  void MakeTasks(const PhysicalPlan& plan, const JobServices& services,
                 const TaskGraphOptions& options);
  Status Connect(const PhysicalPlan& plan, const JobServices& services);
  int TaskNumber(int physical_task, int subtask) const { return first_[physical_task] + subtask; }

  std::vector<int> first_;                        // per physical task: number of subtask 0
  std::vector<std::vector<NodeConfig>> configs_;  // per task, until MakeTasks
  std::vector<int> slot_of_;                      // per task
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::unique_ptr<Task>> tasks_;  // destroyed before the channels
  std::vector<bool> control_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<OperatorState> operators_;
};

}  // namespace weir
