// The store's iterator, and how RocksDB's statuses become ours.
#pragma once

#include <memory>
#include <string>

#include "engine/core/state_store.h"
#include "rocksdb/db.h"

namespace weir {

// kStateIo, also for damage: a restart rebuilds the store. `what` is a path.
Status FromRocks(const rocksdb::Status& status, const std::string& what);
// The store holds what this program never writes.
Status BadStore(const std::string& what);

// `db` may be null: an empty store.
std::unique_ptr<StoreIterator> NewRocksIterator(rocksdb::DB* db);

}  // namespace weir
