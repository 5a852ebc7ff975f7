// The states that the model drives: one of each kind, with values that are made from a number.
#pragma once

#include <cstdint>
#include <string>

#include "tests/unit/state_hot/test_backend.h"

namespace weir {

class ModelTables {
 protected:
  static constexpr int64_t kTtl = 400;
  enum Table { kPlain, kMap, kText, kEventTtl, kReadTtl, kBroadcast, kTables };

  static const char* Name(int table) {
    static const char* const names[] = {"plain", "map", "text", "event", "read", "broadcast"};
    return names[table];
  }
  static StateDescriptor Descriptor(int table) {
    StateDescriptor d =
        table == kText ? Describe<std::string>(Name(table)) : Describe<int64_t>(Name(table));
    if (table == kEventTtl) d.ttl = {StateTtl::Domain::kEventTime, kTtl, false};
    if (table == kReadTtl) d.ttl = {StateTtl::Domain::kProcessingTime, kTtl, true};
    d.broadcast = table == kBroadcast;
    return d;
  }
  // Long enough to own heap memory, and of changing length.
  static std::string Text(int64_t v) {
    return std::to_string(v) + std::string(static_cast<size_t>(v % 50), '.');
  }
  static std::string Encoded(int table, int64_t v) {
    std::string out;
    if (table == kText) {
      Codec<std::string>::Encode(Text(v), &out);
    } else {
      Codec<int64_t>::Encode(v, &out);
    }
    return out;
  }
  static bool Holds(int table, const void* at, int64_t v) {
    return table == kText ? *static_cast<const std::string*>(at) == Text(v)
                          : *static_cast<const int64_t*>(at) == v;
  }
  static void Set(int table, void* at, int64_t v) {
    if (table == kText) {
      *static_cast<std::string*>(at) = Text(v);
    } else {
      *static_cast<int64_t*>(at) = v;
    }
  }
  static bool HasTtl(int table) { return table == kEventTtl || table == kReadTtl; }
};

}  // namespace weir
