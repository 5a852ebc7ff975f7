// How an entry's address and value become RocksDB's (DESIGN D5):
//
//   key   = group u16 BE | table u16 BE | length of key u32 BE | key | sub key
//   value = 0 | value, or 1 | last access i64 BE | value
#pragma once

#include <string>
#include <string_view>

#include "engine/core/state_store.h"

namespace weir {

// Without the sub key: what all entries of one key begin with.
void AppendRocksPrefix(const StoreAddress& at, std::string* out);
void AppendRocksKey(const StoreAddress& at, std::string* out);
void AppendRocksValue(const StoreValue& value, std::string* out);

// Views point into the arguments. False if the bytes were not made by the above.
bool ParseRocksKey(std::string_view bytes, StoreAddress* at);
bool ParseRocksValue(std::string_view bytes, StoreValue* value);
// Bytes of the prefix of a whole key; 0 if it is none.
size_t RocksPrefixSize(std::string_view key);

}  // namespace weir
