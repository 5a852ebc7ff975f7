// One operator subtask's state on RocksDB (DESIGN D5, D22): one database, one column family, no
// WAL, because the checkpoint is the durability.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/file_system.h"
#include "engine/core/state_store.h"

namespace weir {

struct RocksStoreOptions {
  std::string dir;         // of the job's working state: <state.dir>/<job>
  int64_t epoch = 0;       // the job's incarnation
  std::string name;        // of the store, unique in the incarnation
  size_t cache_bytes = 0;  // for blocks, indexes and filters
  // Null: the operating system's, by RocksDB's own means and with its threads. Any other: through
  // `fs`, which outlives the store, in the caller's thread and without a cache.
  FileSystem* fs = nullptr;
};

// Lives in <dir>/<epoch>/<name> and is deleted with the object. Opens nothing before the first
// Write; removes what other incarnations have left behind in `dir` at once (an incarnation that
// still runs loses its store, and with it its life: the newer epoch has taken over). Writes are
// sorted and ingested as one file each, never Put.
StatusOr<std::unique_ptr<StateStore>> NewRocksStore(const RocksStoreOptions& options);

}  // namespace weir
