// How RocksDB is set up. Each option that differs from its default has its reason beside it.
#pragma once

#include <cstddef>
#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"

namespace weir {

// Without a cache if `cache` is null.
rocksdb::Options RocksOptions(rocksdb::Env* env, std::shared_ptr<rocksdb::Cache> cache);
// For an environment without threads: RocksDB works in its caller's thread only.
void UseNoThreads(rocksdb::Options* options);
rocksdb::CompactionOptions RocksCompactionOptions();
rocksdb::IngestExternalFileOptions RocksIngestOptions();
rocksdb::ReadOptions RocksScanOptions();    // everything, in order
rocksdb::ReadOptions RocksPrefixOptions();  // the entries of one key

}  // namespace weir
