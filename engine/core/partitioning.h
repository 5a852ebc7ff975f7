// How rows of an edge are spread over the consumer's subtasks.
#pragma once

#include <cstdint>

namespace weir {

enum class Partitioning : uint8_t {
  kForward,    // subtask i to subtask i
  kKeyed,      // to the owner of the row's key group; sets key_group and key_hash
  kBroadcast,  // to every subtask
  kRebalance,  // round robin by batch
};

}  // namespace weir
