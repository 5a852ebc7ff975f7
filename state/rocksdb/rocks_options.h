// How RocksDB is set up. Each option that differs from its default has its reason beside it.
#pragma once

#include <cstddef>
#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"

namespace weir {

// Files in the page cache are good enough: what the store holds is rebuilt from the checkpoint. So
// nothing is ever synced to disk, which otherwise costs milliseconds for each write-back.
rocksdb::Env* UnsyncedEnv();

rocksdb::Options RocksOptions(std::shared_ptr<rocksdb::Cache> cache);
rocksdb::IngestExternalFileOptions RocksIngestOptions();
rocksdb::ReadOptions RocksScanOptions();    // everything, in order
rocksdb::ReadOptions RocksPrefixOptions();  // the entries of one key

}  // namespace weir
