// Retention of the checkpoint store: mark what manifests name, sweep the rest (DESIGN section 5).
// Nothing is counted, so nothing can be counted wrongly (reliability.md 2.6).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/guarded.h"
#include "engine/core/checkpoint_storage.h"
#include "state/checkpoint/layout.h"

namespace weir {

// Every segment that a manifest names, in no particular order, repetitions included.
std::vector<SegmentRef> SegmentsOf(const Manifest& manifest);
// Ids of checkpoints whose manifest is there, ascending.
StatusOr<std::vector<int64_t>> ListCheckpoints(FileSystem* fs, const CheckpointLayout& layout);
// Takes a checkpoint back, durably except for its empty folder: its segments may go afterwards.
Status RemoveCheckpoint(FileSystem* fs, const CheckpointLayout& layout, int64_t id);

// Thread-safe. A segment is safe from Protect until a manifest has had the chance to name it.
class Retention {
 public:
  Retention(const Env& env, const CheckpointLayout* layout)
      : fs_(env.fs), clock_(env.clock), layout_(layout) {}

  // `sha256` is about to be written, or found, for checkpoint `id`.
  void Protect(const std::string& sha256, int64_t id);
  // The manifest of checkpoint `id` is durable. Segments written for it or for earlier ones that it
  // does not name belong to aborted checkpoints.
  void Published(int64_t id);
  Status Collect(int retain, int64_t grace_ms);

 private:
  struct Protection {
    std::map<std::string, int64_t> segments;  // by name, the checkpoint they are written for
    int64_t publications = 0;
  };
  using Names = std::set<std::string>;
  using Ages = std::map<std::string, int64_t>;

  StatusOr<std::vector<int64_t>> RemoveOld(int retain);
  Status Mark(const std::string& manifest, Names* named) const;
  StatusOr<Names> MarkAll(const std::vector<int64_t>& ids) const;
  Status Sweep(const Names& named, int64_t publications, int64_t grace_ms, Ages* since);

  FileSystem* const fs_;
  const Clock* const clock_;
  const CheckpointLayout* const layout_;
  Guarded<Protection> protection_;
  // When a file was first seen to be garbage, monotonic; kept while it is.
  Guarded<Ages> garbage_since_ns_;
};

}  // namespace weir
