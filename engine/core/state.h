// Typed state handles for operators (DESIGN section 5, "State types"). A handle is a light view of
// one StateTable; it belongs to one operator subtask and one thread. The key is passed explicitly,
// so batch code can work on many keys; all calls are memory accesses, none blocks.
//
//   ValueState<int64_t> count_;                          // member
//   WEIR_RETURN_IF_ERROR(count_.Open(ctx, "count"));     // in Open
//   count_.Mutable(key) += 1;                            // in Process
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/status.h"
#include "engine/core/codec.h"
#include "engine/core/state_backend.h"

namespace weir {

// Where a handle opens its table; OperatorContext implements it.
class StateOpener {
 public:
  virtual ~StateOpener() = default;
  virtual StatusOr<StateTable*> OpenTable(const StateDescriptor& descriptor) = 0;
};

template <typename T>
const ValueOps* ValueOpsFor() {
  // What can be copied as plain bytes owns nothing, so nobody need ask how much.
  constexpr bool kOwnsHeap = !std::is_trivially_copyable_v<T>;
  static const ValueOps ops = {
      sizeof(T),
      alignof(T),
      [](void* at) { new (at) T(); },
      [](void* at) { static_cast<T*>(at)->~T(); },
      [](const void* v, std::string* out) { Codec<T>::Encode(*static_cast<const T*>(v), out); },
      [](std::string_view bytes, void* v) {
        ByteReader in(bytes);
        return Codec<T>::Decode(&in, static_cast<T*>(v)) && in.AtEnd();
      },
      !kOwnsHeap ? nullptr : +[](const void* v) -> size_t {
        return Codec<T>::HeapBytes(*static_cast<const T*>(v));
      }};
  return &ops;
}

inline StateKey MakeStateKey(const KeyRef& key, std::string_view sub = {}) {
  return StateKey{key.group, EntryHash(key, sub), key.bytes, sub};
}

struct StateOptions {
  StateTtl ttl;
  bool broadcast = false;
};

namespace state_internal {
// What a handle refers to before its Open: every use ends the process and says why.
StateTable* Unopened();

template <typename T>
Status OpenTable(StateOpener* opener, std::string_view name, const StateOptions& options,
                 StateTable** table) {
  WEIR_CHECK(options.ttl.domain == StateTtl::Domain::kNone || options.ttl.ms > 0,
             "the TTL of a state is at least 1 ms");
  StateDescriptor d;
  d.name = std::string(name);
  d.version = Codec<T>::kVersion;
  d.type_name = Codec<T>::TypeName();
  d.ops = ValueOpsFor<T>();
  d.ttl = options.ttl;
  d.broadcast = options.broadcast;
  WEIR_ASSIGN_OR_RETURN(*table, opener->OpenTable(d));
  return absl::OkStatus();
}
}  // namespace state_internal

// One value per key.
template <typename T>
class ValueState {
 public:
  Status Open(StateOpener* opener, std::string_view name, const StateOptions& options = {}) {
    return state_internal::OpenTable<T>(opener, name, options, &table_);
  }
  // nullptr when there is none.
  const T* Get(const KeyRef& key) { return static_cast<const T*>(table_->Find(MakeStateKey(key))); }
  // Creates T() when there is none.
  T& Mutable(const KeyRef& key) {
    bool created;
    return *static_cast<T*>(table_->FindOrCreate(MakeStateKey(key), &created));
  }
  // nullptr when there is none; else the value, free to be changed until the next call.
  T* GetForWrite(const KeyRef& key) {
    return static_cast<T*>(table_->FindForWrite(MakeStateKey(key)));
  }
  void Clear(const KeyRef& key) { table_->Erase(MakeStateKey(key)); }
  StateTable* table() { return table_; }

 private:
  StateTable* table_ = state_internal::Unopened();
};

// Bytes of a map key. Integers are big endian with the sign bit flipped, so that scans go upwards.
inline std::string EncodeMapKey(int64_t k) {
  std::string out;
  PutBigEndian64(&out, static_cast<uint64_t>(k) ^ (uint64_t{1} << 63));
  return out;
}
inline std::string_view EncodeMapKey(std::string_view k) { return k; }
inline void DecodeMapKey(std::string_view bytes, int64_t* k) {
  *k = static_cast<int64_t>(ByteReader(bytes).BigEndian64() ^ (uint64_t{1} << 63));
}
inline void DecodeMapKey(std::string_view bytes, std::string_view* k) { *k = bytes; }

// Many values per key, each addressed, stored and expired for itself. K: int64_t or
// std::string_view (not empty).
template <typename K, typename V>
class MapState {
  static_assert(std::is_same_v<K, int64_t> || std::is_same_v<K, std::string_view>,
                "weir: the key of a MapState is int64_t or std::string_view");

 public:
  Status Open(StateOpener* opener, std::string_view name, const StateOptions& options = {}) {
    return state_internal::OpenTable<V>(opener, name, options, &table_);
  }
  const V* Get(const KeyRef& key, K k) {
    const auto sub = EncodeMapKey(k);
    return static_cast<const V*>(table_->Find(MakeStateKey(key, sub)));
  }
  V& Mutable(const KeyRef& key, K k, bool* created = nullptr) {
    const auto sub = EncodeMapKey(k);
    bool ignored;
    return *static_cast<V*>(
        table_->FindOrCreate(MakeStateKey(key, sub), created != nullptr ? created : &ignored));
  }
  V* GetForWrite(const KeyRef& key, K k) {
    const auto sub = EncodeMapKey(k);
    return static_cast<V*>(table_->FindForWrite(MakeStateKey(key, sub)));
  }
  bool Remove(const KeyRef& key, K k) {
    const auto sub = EncodeMapKey(k);
    return table_->Erase(MakeStateKey(key, sub));
  }
  // Ascending by key; return false to stop; the map must not be changed meanwhile.
  void ForEach(const KeyRef& key, const std::function<bool(K, const V&)>& fn) {
    table_->ScanKey(key, [&](std::string_view sub, const void* value) {
      K k;
      DecodeMapKey(sub, &k);
      return fn(k, *static_cast<const V*>(value));
    });
  }
  void Clear(const KeyRef& key) {
    std::vector<std::string> subs;
    table_->ScanKey(key, [&](std::string_view sub, const void*) {
      subs.emplace_back(sub);
      return true;
    });
    for (const std::string& sub : subs) table_->Erase(MakeStateKey(key, sub));
  }
  StateTable* table() { return table_; }

 private:
  StateTable* table_ = state_internal::Unopened();
};

// A list per key, kept in chunks, so that an append copies and writes back at most one chunk.
template <typename T>
class ListState {
 public:
  static constexpr size_t kChunkBytes = size_t{64} * 1024;  // DESIGN D6: the copy-on-write unit
  Status Open(StateOpener* opener, std::string_view name, const StateOptions& options = {}) {
    return chunks_.Open(opener, name, options);
  }
  void Append(const KeyRef& key, T item) {
    int64_t last = 0;
    chunks_.ForEach(key, [&](int64_t k, const std::vector<T>&) {
      last = k;
      return true;
    });
    std::vector<T>* chunk = &chunks_.Mutable(key, last);
    if (chunk->size() * sizeof(T) >= kChunkBytes) chunk = &chunks_.Mutable(key, last + 1);
    chunk->push_back(std::move(item));
  }
  // In order of appending; return false to stop.
  void ForEach(const KeyRef& key, const std::function<bool(const T&)>& fn) {
    chunks_.ForEach(key, [&](int64_t, const std::vector<T>& chunk) {
      return std::all_of(chunk.begin(), chunk.end(), fn);
    });
  }
  size_t Size(const KeyRef& key) {
    size_t n = 0;
    chunks_.ForEach(key, [&](int64_t, const std::vector<T>& chunk) {
      n += chunk.size();
      return true;
    });
    return n;
  }
  void Clear(const KeyRef& key) { chunks_.Clear(key); }

 private:
  MapState<int64_t, std::vector<T>> chunks_;
};

// Folds added values into one: Flink's ReducingState (ACC = IN) and AggregatingState.
template <typename IN, typename ACC>
class AggregatingState {
 public:
  using Add = std::function<void(ACC*, const IN&)>;
  Status Open(StateOpener* opener, std::string_view name, Add add,
              const StateOptions& options = {}) {
    add_ = std::move(add);
    return value_.Open(opener, name, options);
  }
  void AddValue(const KeyRef& key, const IN& in) { add_(&value_.Mutable(key), in); }
  const ACC* Get(const KeyRef& key) { return value_.Get(key); }
  void Clear(const KeyRef& key) { value_.Clear(key); }

 private:
  Add add_;
  ValueState<ACC> value_;
};

// Folds with (T, T) -> T; the first value is taken as it is.
template <typename T>
class ReducingState {
 public:
  using Reduce = std::function<T(const T&, const T&)>;
  Status Open(StateOpener* opener, std::string_view name, Reduce reduce,
              const StateOptions& options = {}) {
    reduce_ = std::move(reduce);
    return value_.Open(opener, name, options);
  }
  void AddValue(const KeyRef& key, const T& in) {
    if (T* old = value_.GetForWrite(key)) {
      *old = reduce_(*old, in);
    } else {
      value_.Mutable(key) = in;
    }
  }
  const T* Get(const KeyRef& key) { return value_.Get(key); }
  void Clear(const KeyRef& key) { value_.Clear(key); }

 private:
  Reduce reduce_;
  ValueState<T> value_;
};

// The same map on every subtask, changed only by input that all subtasks receive alike.
template <typename V>
class BroadcastState {
 public:
  Status Open(StateOpener* opener, std::string_view name) {
    return map_.Open(opener, name, StateOptions{StateTtl{}, true});
  }
  const V* Get(std::string_view k) { return map_.Get(Key(), k); }
  V& Mutable(std::string_view k) { return map_.Mutable(Key(), k); }
  bool Remove(std::string_view k) { return map_.Remove(Key(), k); }
  void ForEach(const std::function<bool(std::string_view, const V&)>& fn) {
    map_.ForEach(Key(), fn);
  }

 private:
  static KeyRef Key() { return KeyRef{kBroadcastKeyGroup, HashBytes({}), {}}; }
  MapState<std::string_view, V> map_;
};

// A sequence per key group: the async operator's queue (DESIGN D12). Sequences are given by the
// caller and are unique within the group.
template <typename T>
class QueueState {
 public:
  Status Open(StateOpener* opener, std::string_view name) { return map_.Open(opener, name); }
  T& Put(uint16_t group, int64_t sequence) { return map_.Mutable(Key(group), sequence); }
  const T* Get(uint16_t group, int64_t sequence) { return map_.Get(Key(group), sequence); }
  T* GetForWrite(uint16_t group, int64_t sequence) {
    return map_.GetForWrite(Key(group), sequence);
  }
  bool Remove(uint16_t group, int64_t sequence) { return map_.Remove(Key(group), sequence); }
  // Every entry of every group of this subtask, unordered: for rebuilding indexes after a restore.
  void ForEach(const std::function<bool(uint16_t group, int64_t sequence, const T&)>& fn) {
    map_.table()->ScanAll(
        [&](uint16_t group, std::string_view, std::string_view sub, const void* value) {
          int64_t sequence;
          DecodeMapKey(sub, &sequence);
          return fn(group, sequence, *static_cast<const T*>(value));
        });
  }

 private:
  static KeyRef Key(uint16_t group) { return KeyRef{group, HashBytes({}), {}}; }
  MapState<int64_t, T> map_;
};

}  // namespace weir
