// One thread's share of a job's tasks (DESIGN D2).
#pragma once

#include <algorithm>
#include <vector>

#include "engine/base/scheduler.h"
#include "engine/runtime/task.h"

namespace weir {

class Slot final : public SlotWork {
 public:
  void Add(Task* task) { tasks_.push_back(task); }
  bool RunTurn() override {
    bool progress = false;
    for (Task* task : tasks_) progress |= task->RunTurn();
    return progress;
  }
  int64_t NextDeadlineNs() override {
    int64_t next = kNeverNs;
    for (Task* task : tasks_) next = std::min(next, task->NextDeadlineNs());
    return next;
  }

 private:
  std::vector<Task*> tasks_;  // not owned; only this slot's thread runs them
};

}  // namespace weir
