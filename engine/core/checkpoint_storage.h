// Where checkpoints live (DESIGN section 5, D18): segments by content, manifests, epochs,
// savepoints. All calls may block: I/O executor or start-up only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/operator.h"
#include "engine/core/state_backend.h"

namespace weir {

struct SegmentRef {
  std::string sha256;  // hex; the file's name
  int64_t bytes = 0;
  uint32_t crc32c = 0;
};

// One subtask of one operator. Segments apply in order: a full one, then deltas.
struct SubtaskState {
  int subtask = 0;
  std::vector<SegmentRef> segments;
  std::vector<StatePiece> pieces;
};

struct OperatorState {
  std::string uid;
  std::string name;
  int parallelism = 1;
  std::vector<SubtaskState> subtasks;
};

struct Manifest {
  int64_t id = 0;
  int64_t epoch = 0;
  std::string job;
  int64_t created_ms = 0;
  int max_parallelism = 128;
  std::string key_hash = "murmur2/1";  // a restore with another one is refused (I-12)
  bool savepoint = false;
  std::vector<OperatorState> operators;
};

// Thread-safe.
// An incarnation that began with a savepoint, or will after a stop with one.
struct SavepointStart {
  int64_t epoch = 0;
  std::string savepoint;  // name or path
};

class CheckpointStorage {
 public:
  virtual ~CheckpointStorage() = default;
  // Creates the next epoch exclusively and returns it (D9). Takes and keeps the job's lock:
  // kStateLocked if another process has it.
  virtual StatusOr<int64_t> OpenEpoch() = 0;
  // Sorts, encodes and stores sealed state, synced; content that is there already is not written
  // again. With `savepoint` non-empty it goes into that savepoint's own folder.
  // Durable: until a checkpoint of that epoch is complete, a restart begins with the savepoint.
  virtual Status NoteSavepointStart(const SavepointStart& start) = 0;
  virtual StatusOr<std::optional<SavepointStart>> NewestSavepointStart() = 0;
  virtual StatusOr<SegmentRef> WriteSegment(SealedState state, const std::string& savepoint) = 0;
  // Feeds every record of a segment. Verifies magic, version, length and checksum before the first
  // call: kStateCorrupt.
  virtual Status ReadSegment(
      const SegmentRef& ref, const std::string& savepoint,
      const std::function<Status(const SealedTable&, const StateRecord&)>& fn) = 0;
  // Publishes: written aside, synced, renamed, directory synced. Then the checkpoint is complete.
  virtual Status WriteManifest(const Manifest& manifest, const std::string& savepoint) = 0;
  // Ids of complete checkpoints, ascending.
  virtual StatusOr<std::vector<int64_t>> List() = 0;
  virtual StatusOr<Manifest> ReadManifest(int64_t id) = 0;
  virtual StatusOr<Manifest> ReadSavepoint(const std::string& name_or_path) = 0;
  // Checks that every segment of the manifest is there and whole.
  virtual Status Verify(const Manifest& manifest, const std::string& savepoint) = 0;
  // Keeps the newest `retain` checkpoints; removes older manifests, then segments that no retained
  // manifest names and that are older than the grace period.
  virtual Status Collect(int retain, int64_t grace_ms) = 0;
  virtual Status DeleteAll() = 0;  // --fresh
};

}  // namespace weir
