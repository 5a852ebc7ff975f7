// Where a port's batches leave the task: one edge to all subtasks of one consumer, partitioned.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/partitioning.h"
#include "engine/model/element.h"
#include "engine/model/key.h"
#include "engine/runtime/channel.h"

namespace weir {

// Task thread only.
class OutputEdge {
 public:
  // `key` is used by kKeyed alone. Channels are not owned, one per consumer subtask (kForward:
  // one).
  OutputEdge(Partitioning partitioning, KeySelector key, int max_parallelism,
             std::vector<Channel*> channels);

  void Emit(RecordBatch batch);
  // Watermarks, statuses, barriers and ends go to every channel.
  void EmitToAll(const Watermark& e) { PushAll(e); }
  void EmitToAll(const IdleStatus& e) { PushAll(e); }
  void EmitToAll(const Barrier& e) { PushAll(e); }
  void EmitToAll(const EndOfInput& e) { PushAll(e); }
  // True when nothing is spilled.
  bool Drain();

 private:
  template <typename E>
  void PushAll(const E& element) {
    for (Channel* c : channels_) c->Push(StreamElement(element));
  }
  void EmitKeyed(RecordBatch batch);

  const Partitioning partitioning_;
  KeySelector key_;
  const int max_parallelism_;
  std::vector<Channel*> channels_;
  std::vector<uint8_t> owner_of_group_;      // small parallelism: table instead of division
  std::vector<std::vector<uint32_t>> rows_;  // scratch: rows per consumer
  size_t next_ = 0;
};

}  // namespace weir
