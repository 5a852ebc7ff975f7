// Brings what a node seals into its store and into the checkpoint storage, in order (DESIGN D6).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/mailbox.h"
#include "engine/core/checkpoint_storage.h"
#include "engine/core/state_backend.h"

namespace weir {

// What of a node's state is in segments of this incarnation already. Deltas build on it; it is
// dropped whenever the next checkpoint must be full: after a restore, a failed write, a savepoint.
struct SegmentChain {
  std::vector<SegmentRef> segments;
  bool has_base = false;
  size_t deltas = 0;
  int64_t base_bytes = 0;
  int64_t delta_bytes = 0;
  // A chain that costs more at restore than a new base costs now.
  bool NeedsFull() const;
};

// Task thread only; the writing runs on the I/O executor and comes back as mail. Write-backs to the
// store go one after the other, in the order of the seals; segments of one seal may be written
// while the store takes the next. A seal's outcome is told after those of the seals before it.
class SegmentWriter : public std::enable_shared_from_this<SegmentWriter> {
 public:
  struct Outcome {
    Status status;
    std::vector<SegmentRef> segments;  // what a checkpoint names of this node now
    int64_t bytes = 0;                 // written for this seal
  };
  using Done = std::function<void(const Outcome&)>;
  enum class Kind : uint8_t { kCheckpoint, kSavepoint, kSpill };

  // `fail` hears of a store that cannot be written: the job must end. `broadcast`: this subtask
  // writes the copy of broadcast state.
  SegmentWriter(StateBackend* backend, bool broadcast, std::shared_ptr<CheckpointStorage> storage,
                Executor* io, MailHandle mail, std::function<void(Status)> fail);

  // Whether the next seal of a checkpoint must be full.
  bool NeedsFull() const;
  // Takes over the backend's finished seal.
  void Write(Kind kind, const std::string& savepoint, Done done);

 private:
  struct Job {
    Kind kind = Kind::kCheckpoint;
    std::string savepoint;
    Done done;
    bool full = false;
    bool store_only = false;  // a spill that no chain can take up
    SealedState state;
    bool started = false;
    bool stored = false;
    bool finished = false;
    // Of the I/O executor until finished.
    bool begun = false;
    std::vector<SegmentRef> segments;
    Status status;
  };
  using JobPtr = std::shared_ptr<Job>;

  // What the chain will be once all that is on its way has landed.
  enum class Plan : uint8_t { kChain, kBase, kNothing };
  Plan Planned() const;
  void StartNext();
  void SubmitStep(const JobPtr& job);
  void Step(const JobPtr& job);
  Status WritePart(Job* job, SealedState part);
  void OnStored(const JobPtr& job);
  void OnFinished(const JobPtr& job);
  void Land(Job* job);
  void Append(const Job& job);

  StateBackend* const backend_;
  const bool broadcast_;
  const std::shared_ptr<CheckpointStorage> storage_;
  Executor* const io_;
  const MailHandle mail_;
  const std::function<void(Status)> fail_;
  SegmentChain chain_;
  std::deque<JobPtr> jobs_;
};

}  // namespace weir
