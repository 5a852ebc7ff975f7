// The world that RocksDB works in: files, clock, threads.
#pragma once

#include <memory>

#include "engine/base/file_system.h"
#include "rocksdb/env.h"

namespace weir {

// On the operating system's files through RocksDB's own code when `fs` is null, else on `fs`. In
// both, nothing is ever synced: what the store holds is rebuilt from the checkpoint, and a sync
// costs milliseconds for each write-back.
//
// On an `fs` RocksDB gets no thread either, and its clock stands still: what it does then depends
// on its calls alone, as simulation needs. UseNoThreads must have been applied to its options.
std::shared_ptr<rocksdb::Env> NewRocksEnv(FileSystem* fs);

}  // namespace weir
