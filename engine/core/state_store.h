// The store below the hot tier (DESIGN D5): encoded state of one operator subtask, larger than
// memory. It is never the durability: it starts empty and is filled from the checkpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

// Where an entry lies. Entries are ordered by (group, table, length of key, key, sub).
struct StoreAddress {
  uint16_t group = 0;
  uint16_t table = 0;  // given by the backend
  std::string_view key, sub;
};

struct StoreValue {
  int64_t last_access_ms = kNoTimestamp;
  std::string_view value;  // as ValueOps encodes it
};

// A part of a write-back: records of one table as AppendStateRecord makes them, in any order. Of
// several records of one entry the last counts.
struct StorePart {
  uint16_t table = 0;
  std::string_view records;
};

// The store as it was at the first Seek, in order. Views hold until the next move. Between two
// calls it may change threads. Short-lived, but for the one that a full seal reads.
class StoreIterator {
 public:
  virtual ~StoreIterator() = default;
  // To the first entry at or behind `from`.
  virtual void Seek(const StoreAddress& from) = 0;
  // To the first entry of one key. Behind the key's last entry nothing is promised.
  virtual void SeekKey(const StoreAddress& key) = 0;
  virtual bool Valid() const = 0;  // false also after an error: see status()
  virtual void Next() = 0;
  virtual StoreAddress address() const = 0;
  virtual StoreValue value() const = 0;
  virtual Status status() const = 0;
};

// Reads come from the task's thread, one Write at a time from the I/O executor, both at once. All
// calls block. Any error is fatal to the job: it restarts from its checkpoint.
class StateStore {
 public:
  virtual ~StateStore() = default;
  // Calls found(i, value) for each key that is there, in any order; views hold during the call.
  virtual Status MultiGet(std::span<const StoreAddress> keys,
                          const std::function<Status(size_t i, const StoreValue&)>& found) = 0;
  virtual std::unique_ptr<StoreIterator> NewIterator() = 0;
  // Applies all parts in one go: a reader sees all of them or none. Later parts win. Slows down
  // when the store cannot keep up.
  virtual Status Write(std::span<const StorePart> parts) = 0;
  virtual size_t memory_bytes() const = 0;
};

}  // namespace weir
