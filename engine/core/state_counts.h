// What a state backend over a store tells of its memory (DESIGN D19): a cache has a bound, and how
// often it helps can be seen.
#pragma once

#include <cstdint>

namespace weir {

// Totals since the backend was made, and how it stands. Plain integers of the task's thread: a
// lookup must not pay for being counted. While the store is not in use yet nothing is looked up in
// vain, and nothing is counted.
struct StateCounts {
  int64_t hits = 0;             // lookups answered from memory
  int64_t misses = 0;           // entries that the store was asked for
  int64_t absent = 0;           // of these: the store did not have it either
  int64_t read_bytes = 0;       // of encoded values that came from the store
  int64_t evicted = 0;          // entries taken out of memory
  int64_t written_entries = 0;  // written back to the store, erasures included
  int64_t written_bytes = 0;
  int64_t hot_bytes = 0;        // memory of what eviction and write-back can bring down
  int64_t hot_limit_bytes = 0;  // its bound
};

// A StateBackend over a store is one of these as well. Task thread only.
class CountingState {
 public:
  virtual ~CountingState() = default;
  virtual StateCounts Counts() const = 0;
};

}  // namespace weir
