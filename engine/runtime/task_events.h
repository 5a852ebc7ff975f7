// What a task tells the job (DESIGN section 2, "A checkpoint").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/checkpoint_storage.h"

namespace weir {

// One operator subtask's part of a checkpoint.
struct NodeAck {
  std::string uid;
  int subtask = 0;
  SubtaskState state;
};

// A task's part of checkpoint `id` is durable, or has failed.
struct TaskAck {
  int task = 0;  // number of the task in the job
  int64_t id = 0;
  Status status;
  std::vector<NodeAck> nodes;
  int64_t bytes = 0;     // newly written
  int64_t align_ns = 0;  // from the first barrier of the checkpoint to the last
  int64_t pause_ns = 0;  // what the task's thread spent on the barrier itself
  int64_t async_ns = 0;  // from then until all was written
};

// Implemented by the job; called on task threads, must not block.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  virtual void OnAck(TaskAck ack) = 0;
  // What checkpoint `id` and those before it committed is done (Operator::Committed).
  virtual void OnCommitted(int /*task*/, int64_t /*id*/) {}
  // An operator asks for a checkpoint soon.
  virtual void OnCheckpointWanted() {}
  // The task's last operator has nothing pending after the end of input.
  virtual void OnEnded(int task) = 0;
  virtual void OnFailed(int task, Status status) = 0;
};

}  // namespace weir
