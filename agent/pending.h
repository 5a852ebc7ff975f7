// Everything of the agent loop that waits: requests, look-alikes that wait for their answer, and
// answers that wait for their turn. State by key group, so that it survives and rescales (D12).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/core/async_queue.h"
#include "engine/core/codec.h"
#include "engine/core/state.h"

namespace weir {

struct PendingEntry {
  enum class Kind : uint8_t {
    kRequest,   // is or was asked about
    kWaiter,    // waits for the answer to its signature
    kAnswered,  // by a rule; only its order holds it back
  };
  Kind kind = Kind::kWaiter;
  bool decided = false;  // requests: the decision is durable and recorded
  bool emitted = false;  // requests: its rows have left
  bool settled = false;  // requests: nobody waits for it any more
  uint64_t key_hash = 0;
  int64_t watermark = 0;   // of the input when the entry came
  int64_t seq = 0;         // requests: the number of the decision within its key
  std::string row;         // the event, encoded
  std::string signature;   // canonical bytes
  std::string request_id;  // requests
  std::string decision;    // requests that are decided: binary
  std::string rule_id;     // answered ones
};

template <>
struct Codec<PendingEntry> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "agent_loop.PendingEntry"; }
  static void Encode(const PendingEntry& e, std::string* out);
  static bool Decode(ByteReader* in, PendingEntry* e);
  static size_t HeapBytes(const PendingEntry& e);
};

// The entries and the queue that keeps their order. An entry is named by its sequence.
class PendingStore {
 public:
  explicit PendingStore(AsyncOrder order) : queue_(order) {}

  // Opens the state and takes up what was restored: sequences of several old subtasks are made one
  // ascending series, their order kept.
  Status Open(StateOpener* opener);

  int64_t Add(uint16_t group, PendingEntry entry);
  const PendingEntry* Get(int64_t sequence);
  // Of an entry that must be there; throws StateReadError if the state has lost it.
  const PendingEntry& At(int64_t sequence);
  // nullptr if there is none; else free to be changed until the next call.
  PendingEntry* Edit(int64_t sequence);
  void Remove(int64_t sequence);
  uint16_t GroupOf(int64_t sequence) const { return groups_.at(sequence); }

  AsyncQueue* queue() { return &queue_; }
  size_t size() const { return groups_.size(); }
  // Ascending.
  std::vector<int64_t> Sequences() const;

 private:
  QueueState<PendingEntry> state_;
  AsyncQueue queue_;
  std::unordered_map<int64_t, uint16_t> groups_;
  int64_t next_sequence_ = 1;
};

}  // namespace weir
