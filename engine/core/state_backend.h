// The backend's side of state (DESIGN D5, D6): tables of decoded values by key, sealed by epoch.
// Operators use the typed handles of state.h on top of it.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/status.h"
#include "engine/model/key.h"
#include "engine/model/record_batch.h"

namespace weir {

// The key of the record being worked on. `hash` is the batch's key_hash; it must be
// HashBytes(bytes), because a backend computes it again from the bytes when it restores.
struct KeyRef {
  uint16_t group = 0;
  uint64_t hash = 0;
  std::string_view bytes;
};

// Full address of one entry of a table: key plus sub key (map key, list chunk, timer, sequence).
struct StateKey {
  uint16_t group = 0;
  uint64_t hash = 0;  // EntryHash of key and sub together
  std::string_view key;
  std::string_view sub;
};

// Without a sub key the batch's hash serves as it is: no second hash per record. With one the group
// goes in too, because states without a key (queue, broadcast) differ only in group and sub key.
inline uint64_t EntryHash(const KeyRef& key, std::string_view sub) {
  if (sub.empty()) return key.hash;
  return HashBytes(sub, key.hash + key.group * 0x9E3779B97F4A7C15u);
}

// What the backend must know about a decoded value of some C++ type (made by ValueOpsFor<T>).
struct ValueOps {
  uint32_t size;
  uint32_t align;
  void (*construct)(void* at);
  void (*destroy)(void* at);
  void (*encode)(const void* value, std::string* out);
  bool (*decode)(std::string_view bytes, void* value);  // into a constructed value
  size_t (*heap_bytes)(const void* value);              // null: such a value never owns heap memory
};

struct StateTtl {
  enum class Domain : uint8_t { kNone, kEventTime, kProcessingTime };
  Domain domain = Domain::kNone;
  int64_t ms = 0;               // an entry is expired iff last access + ms <= now
  bool update_on_read = false;  // Flink's OnReadAndWrite
};

struct StateDescriptor {
  std::string name;       // unique within the operator
  uint32_t version = 1;   // of the value's encoding
  std::string type_name;  // a restore under another type or version is refused
  const ValueOps* ops = nullptr;
  StateTtl ttl;
  bool broadcast = false;  // one copy for all: written by subtask 0, restored by every subtask
};

// State that cannot be read (I/O error, damage) must stop the job before anything is made of it:
// the calls of StateTable throw this, and the task that runs the operator fails with `status`.
class StateReadError : public std::exception {
 public:
  explicit StateReadError(Status status) : status_(std::move(status)) {}
  const Status& status() const { return status_; }
  const char* what() const noexcept override { return "state cannot be read"; }

 private:
  Status status_;
};

// One state of one operator subtask. Only the task's thread may touch it. A value's address is
// stable until the entry is erased or expires, or the operator returns to its task: then a backend
// over a store may take it out of memory. Writers must go through FindForWrite or FindOrCreate each
// time before they change a value: that is where copy-on-write happens. Over a store the calls may
// block for a read; Prefetch makes that one read for a whole batch.
class StateTable {
 public:
  virtual ~StateTable() = default;
  // nullptr when absent or expired.
  virtual void* Find(const StateKey& key) = 0;
  virtual void* FindForWrite(const StateKey& key) = 0;
  // Creates a default value when absent or expired; *created tells which.
  virtual void* FindOrCreate(const StateKey& key, bool* created) = 0;
  virtual bool Erase(const StateKey& key) = 0;
  // A hint that these keys will be asked for next: overlaps their cache misses, and from a store
  // fetches what is not in memory in one go.
  virtual void Prefetch(std::span<const StateKey> keys) = 0;
  // All live entries of one key, ascending by sub key bytes. Return false to stop. The callback
  // must not change this table. Counts as a read of what it visits; ScanAll does not.
  virtual void ScanKey(const KeyRef& key,
                       const std::function<bool(std::string_view sub, const void* value)>& fn) = 0;
  // All live entries, in no particular order.
  virtual void ScanAll(const std::function<bool(uint16_t group, std::string_view key,
                                                std::string_view sub, const void* value)>& fn) = 0;
  // Entries, expired ones that still stand included; after a restore into a store an estimate.
  virtual size_t size() const = 0;
  virtual size_t memory_bytes() const = 0;  // an estimate within 20 %
};

// One entry on its way into or out of a checkpoint.
struct StateRecord {
  enum class Op : uint8_t { kPut, kErase };
  Op op = Op::kPut;
  uint16_t group = 0;
  std::string_view key, sub;
  int64_t last_access_ms = kNoTimestamp;  // kNoTimestamp: no access since TTL was enabled
  std::string_view value;
};

// The serialised changes (or all) of one table at a seal. `bytes` is a sequence of records made by
// AppendStateRecord; erasures of an entry stand before its re-creation. A large table may come as
// several parts of the same name, in this order: no part needs more memory moved than a slice may.
struct SealedTable {
  std::string name;
  uint32_t version = 1;
  std::string type_name;
  bool broadcast = false;
  std::string bytes;
  int64_t records = 0;
};
struct SealedState;

// The rest of a seal, to be done off the task's thread.
class SealedRest {
 public:
  virtual ~SealedRest() = default;
  // Blocks: I/O executor only, one call at a time, and for all seals of a backend the first calls
  // in the order of the seals. Gives the next part of the sealed state, of bounded size; false when
  // there is none left. The first call brings the store up to date. An error is fatal to the job.
  virtual StatusOr<bool> Next(SealedState* part) = 0;
};

struct SealedState {
  int64_t epoch = 0;
  bool full = false;                // holds everything, not only what changed since the last seal
  std::vector<SealedTable> tables;  // tables without records are left out unless full
  // Over a store: then `tables` is empty and this gives all of it, part by part.
  std::shared_ptr<SealedRest> rest;
};

void AppendStateRecord(const StateRecord& record, std::string* out);
// Views point into `bytes`. kStateCorrupt on malformed input.
Status ForEachStateRecord(std::string_view bytes,
                          const std::function<Status(const StateRecord&)>& fn);

// All tables of one operator subtask.
class StateBackend {
 public:
  virtual ~StateBackend() = default;
  // Opens a table, once per name. If restored records wait under this name they are loaded;
  // kStateIncompatible / kStateVersion if type or version do not fit.
  virtual StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) = 0;
  // Time for TTL; called by the task before each batch, timer slice and mail.
  virtual void SetTime(int64_t processing_ms, int64_t watermark_ms) = 0;

  // Seals epoch `n` in O(1): what is dirty now belongs to checkpoint n (DESIGN D6). No seal may be
  // in progress; one whose checkpoint is aborted is written and taken all the same. A delta counts
  // from the last seal, so after an abort either that delta stays in the chain or the next seal is
  // full. A full one also holds restored tables that nobody has opened yet.
  virtual void Seal(int64_t n, bool full) = 0;
  // Serialises sealed entries for about `budget_ns`; true when none is left.
  virtual bool WriteSlice(int64_t budget_ns) = 0;
  // The sealed state, once WriteSlice has returned true; ends the seal. If it has a rest, StoreDone
  // must be called when the first Next of that rest has returned OK.
  virtual SealedState TakeSealed() = 0;
  virtual void StoreDone() {}

  // Bounded memory, over a store. Called by the task whenever the operator has returned: takes out
  // of memory what the store holds as well, if memory is short.
  virtual void Settle() {}
  // What fills memory must go to the store before the next checkpoint does it: the task seals now,
  // and what it takes belongs to the next checkpoint.
  enum class Spill : uint8_t { kNone, kDelta, kFull };
  virtual Spill WantsSpill() const { return Spill::kNone; }
  // False: no input until what has been sealed is in the store.
  virtual bool Accepting() const { return true; }

  // Feeds one restored record before the tables are opened. Later records win.
  virtual Status Restore(const SealedTable& header, const StateRecord& record) = 0;
  // Names of restored tables that nobody opened.
  virtual std::vector<std::string> UnopenedTables() const = 0;
  // Removes some expired entries; bounded work, called between batches. Returns how many.
  virtual size_t ReclaimExpired() = 0;
  virtual size_t memory_bytes() const = 0;
};

}  // namespace weir
