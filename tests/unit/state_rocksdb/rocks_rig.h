// Backends over RocksDB in a temporary folder of this process, or on a given file system.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/clock.h"
#include "state/hot/hot_backend.h"
#include "state/rocksdb/rocks_store.h"

namespace weir {

class RocksTestDir {
 public:
  ~RocksTestDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_ =
      std::filesystem::temp_directory_path() / ("weir-rocks-" + std::to_string(getpid()));
};
inline std::string TestDir() {
  static const RocksTestDir dir;
  return dir.path();
}

inline std::unique_ptr<StateBackend> MakeRocks(const Clock* clock, size_t hot_bytes,
                                               bool from_start, FileSystem* fs = nullptr) {
  static int64_t name = 0;
  RocksStoreOptions options;
  options.dir = fs == nullptr ? TestDir() : "/rocks";
  options.fs = fs;
  options.epoch = 1;
  options.name = "op." + std::to_string(++name);
  options.cache_bytes = 1 << 20;
  StatusOr<std::unique_ptr<StateStore>> store = NewRocksStore(options);
  WEIR_CHECK(store.ok());
  HotStoreOptions hot;
  hot.store = std::move(*store);
  hot.hot_bytes = hot_bytes;
  hot.from_start = from_start;
  return std::make_unique<HotStateBackend>(clock, std::move(hot));
}

}  // namespace weir
