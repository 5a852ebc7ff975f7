// Brings a partition's two files into step again when a writer opens it (reliability I-2, I-3,
// I-10).
#pragma once

#include <cstdint>

#include "connectors/dirlog/paths.h"
#include "engine/base/file_system.h"
#include "engine/base/status.h"

namespace weir {

struct RecoveredPartition {
  int64_t end_offset = 0;    // offset of the next record
  uint64_t value_bytes = 0;  // size of the values' file, which ends with a newline
  uint64_t meta_bytes = 0;
};

// Creates what is missing. Otherwise cuts off what was never acknowledged: a torn last line, values
// that their meta does not vouch for, and meta without a value. A partition without meta was copied
// in by hand: all its whole lines count, and meta begins behind them. Values that were synced and
// have changed since are kLogReplaced, and so is meta that is damaged and not just torn; then
// nothing is cut.
StatusOr<RecoveredPartition> RecoverPartition(FileSystem* fs, const PartitionPaths& paths,
                                              int64_t epoch);

}  // namespace weir
