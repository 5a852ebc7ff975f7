// RocksDB on our own file system (DESIGN D3): in simulation its files lie on the simulated disk.
#pragma once

#include <memory>

#include "engine/base/file_system.h"
#include "rocksdb/file_system.h"

namespace weir {

// Passes everything on to `fs`, which outlives it. What RocksDB asks of a disk beyond that (direct
// I/O, preallocation, times of files) it does without.
std::shared_ptr<rocksdb::FileSystem> NewRocksFileSystem(FileSystem* fs);

}  // namespace weir
