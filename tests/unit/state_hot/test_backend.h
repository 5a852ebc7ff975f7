// What tests of a state backend share: keys, tables, and checkpoints as plain data.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/core/state.h"
#include "gtest/gtest.h"

namespace weir {

using BackendFactory = std::function<std::unique_ptr<StateBackend>(const Clock*)>;
struct BackendParam {
  const char* name;
  BackendFactory make;
  bool store = false;  // values are decoded when they are first asked for
};
inline void PrintTo(const BackendParam& param, std::ostream* out) { *out << param.name; }

inline KeyRef Key(std::string_view bytes, uint16_t group = 7) {
  return KeyRef{group, HashBytes(bytes), bytes};
}

template <typename T>
StateDescriptor Describe(const std::string& name, StateTtl ttl = {}) {
  StateDescriptor d;
  d.name = name;
  d.version = Codec<T>::kVersion;
  d.type_name = Codec<T>::TypeName();
  d.ops = ValueOpsFor<T>();
  d.ttl = ttl;
  return d;
}

template <typename T>
T& Put(StateTable* table, const KeyRef& key, std::string_view sub, const T& value) {
  bool created;
  T& at = *static_cast<T*>(table->FindOrCreate(MakeStateKey(key, sub), &created));
  at = value;
  return at;
}
inline int64_t& PutInt(StateTable* table, const KeyRef& key, int64_t value,
                       std::string_view sub = {}) {
  return Put<int64_t>(table, key, sub, value);
}
// "-" when absent.
inline std::string GetInt(StateTable* table, const KeyRef& key, std::string_view sub = {}) {
  const void* value = table->Find(MakeStateKey(key, sub));
  return value == nullptr ? "-" : std::to_string(*static_cast<const int64_t*>(value));
}

// The seal that has been serialised: through the store, if there is one, and as one piece.
inline SealedState TakeWhole(StateBackend* backend) {
  SealedState sealed = backend->TakeSealed();
  if (sealed.rest == nullptr) return sealed;
  bool first = true;
  for (;;) {
    SealedState part;
    const StatusOr<bool> more = sealed.rest->Next(&part);
    EXPECT_TRUE(more.ok()) << more.status();
    if (more.ok() && first) {
      backend->StoreDone();
      backend->Settle();
    }
    first = false;
    if (!more.ok() || !*more) break;
    for (SealedTable& table : part.tables) sealed.tables.push_back(std::move(table));
  }
  sealed.rest = nullptr;
  return sealed;
}
inline SealedState Finish(StateBackend* backend, int64_t slice_ns = 200'000) {
  while (!backend->WriteSlice(slice_ns)) {
  }
  return TakeWhole(backend);
}
inline SealedState SealAll(StateBackend* backend, int64_t n, bool full = false) {
  backend->Seal(n, full);
  return Finish(backend);
}

// An entry's address and what a checkpoint says of it.
using EntryId = std::tuple<uint16_t, std::string, std::string>;
struct EntryData {
  std::string value;
  int64_t stamp = kNoTimestamp;
  bool operator==(const EntryData&) const = default;
};
using TableData = std::map<EntryId, EntryData>;

inline EntryId IdOf(const StateRecord& r) {
  return {r.group, std::string(r.key), std::string(r.sub)};
}
// Applies a segment as a restore does.
inline void Apply(const SealedState& sealed, std::map<std::string, TableData>* tables) {
  for (const SealedTable& table : sealed.tables) {
    TableData& data = (*tables)[table.name];
    const Status status = ForEachStateRecord(table.bytes, [&](const StateRecord& r) {
      if (r.op == StateRecord::Op::kErase) {
        data.erase(IdOf(r));
      } else {
        data[IdOf(r)] = {std::string(r.value), r.last_access_ms};
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
}
inline void RestoreInto(StateBackend* backend, const SealedState& sealed,
                        const std::function<bool(uint16_t group)>& mine = {}) {
  for (const SealedTable& table : sealed.tables) {
    const Status status = ForEachStateRecord(table.bytes, [&](const StateRecord& r) {
      return mine == nullptr || mine(r.group) ? backend->Restore(table, r) : absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
}

// "put k/s=5", "erase k/s": the records of one table, in order. Values are int64.
inline std::vector<std::string> Records(const SealedState& sealed, const std::string& name) {
  std::vector<std::string> out;
  for (const SealedTable& table : sealed.tables) {
    if (table.name != name) continue;
    const Status status = ForEachStateRecord(table.bytes, [&](const StateRecord& r) {
      std::string text = r.op == StateRecord::Op::kErase ? "erase " : "put ";
      text += std::string(r.key);
      if (!r.sub.empty()) text += "/" + std::string(r.sub);
      if (r.op == StateRecord::Op::kPut) {
        text += "=" + std::to_string(ByteReader(r.value).Signed());
      }
      out.push_back(text);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
  }
  return out;
}

}  // namespace weir
