// From a checkpoint to the state of a job's nodes, at any parallelism (DESIGN D6, D7).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/core/checkpoint_storage.h"
#include "engine/core/state_backend.h"

namespace weir {

struct RestoreOptions {
  std::string savepoint;        // name or path; empty = the newest checkpoint
  bool allow_fallback = false;  // take an older checkpoint when the newest is corrupt (promise 5)
  bool allow_non_restored = false;
};

// What a job restores from, chosen and checked before anything is touched. `manifest` is null on a
// fresh start.
struct RestorePoint {
  std::shared_ptr<const Manifest> manifest;
  std::string savepoint;  // folder of its segments; empty for checkpoints
};

// kStateCorrupt if the newest checkpoint is damaged and no fallback is allowed, kStateNoCheckpoint
// if a savepoint that was asked for does not exist.
StatusOr<RestorePoint> ChooseRestorePoint(CheckpointStorage* storage,
                                          const RestoreOptions& options);

// An operator of the job that restores.
struct RestoreTarget {
  std::string uid;
  std::vector<StateBackend*> backends;  // per new subtask; nullptr if stateless
};

// Refuses a manifest that does not fit (kStateIncompatible, kStateUnmatched with the nearest uid).
Status CheckFits(const Manifest& manifest, const std::string& job, int max_parallelism,
                 const std::vector<RestoreTarget>& targets, bool allow_non_restored);

// Feeds every record of one operator to the new owner of its key group; broadcast records to all.
Status RestoreKeyedState(CheckpointStorage* storage, const RestorePoint& point,
                         const OperatorState& state, const RestoreTarget& target);

// All pieces of all old subtasks of an operator but their watermarks; every new subtask gets them
// all.
std::vector<StatePiece> CollectPieces(const OperatorState& state);
// The input watermark that a new subtask begins with: its own, or at another parallelism the least
// of all. kNoTimestamp if there was none.
int64_t RestoredWatermark(const OperatorState& state, int subtask, int parallelism);

}  // namespace weir
