// Output that waits for its checkpoint: `delivery: exactly_once` (DESIGN D10).
//
// What a sink is given between two barriers is a segment, and part of the checkpoint that the
// second one cuts. It is written to the log when that checkpoint is complete, and written again
// after a restore from it: SinkTail then leaves out what stands in the log already. So a consumer
// never sees an output that a replay could decide otherwise, and each one once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/log_client.h"
#include "engine/core/operator.h"

namespace weir {

class HeldOutput {
 public:
  HeldOutput() = default;
  // `space`: job and sink, for the effect ids of records that have none of their own.
  HeldOutput(std::string topic, std::string space, int subtask)
      : topic_(std::move(topic)), space_(std::move(space)), subtask_(subtask) {}

  void Add(std::vector<LogAppend> records);
  // Bytes that no completed checkpoint covers yet.
  size_t bytes() const { return bytes_; }

  // At barrier `n`: what is held becomes segment n. Adds every segment that is not known to stand
  // in the log.
  void Seal(int64_t n, SnapshotPart* part);
  // Checkpoint `n` is complete: gives the records of it and of those before, in order, once.
  std::vector<LogAppend> Commit(int64_t n);
  // Segments that were given out and are not known to stand in the log.
  size_t unwritten() const { return committed_.size(); }
  // Those of them that were not taken yet: the caller now sees to it that they become durable.
  size_t TakeUnwritten() { return committed_.size() - std::exchange(taken_, committed_.size()); }
  // The first `segments` of those taken are durable: later checkpoints need not hold them.
  void Written(size_t segments);

  // Takes the segments of a checkpoint that this subtask of `parallelism` is to write; they count
  // as committed: the next Commit gives them, whatever its number.
  Status Restore(const std::vector<StatePiece>& pieces, int parallelism);

 private:
  struct Segment {
    std::vector<LogAppend> records;
    size_t bytes = 0;
    StatePiece piece;
  };
  std::string PieceName(int64_t n) const;

  std::string topic_, space_;
  int subtask_ = 0;
  std::vector<LogAppend> open_;
  size_t open_bytes_ = 0;
  size_t bytes_ = 0;                   // of open_ and sealed_
  std::map<int64_t, Segment> sealed_;  // by checkpoint
  std::vector<StatePiece> committed_;  // given out, not yet Written
  size_t taken_ = 0;                   // how many of them, from the front, are being written
  std::vector<LogAppend> restored_;
};

}  // namespace weir
