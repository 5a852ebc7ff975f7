#include "state/rocksdb/rocks_key.h"

#include "engine/base/bytes.h"

namespace weir {
namespace {
constexpr size_t kHeader = 8;  // group, table, length
constexpr char kPlain = 0;
constexpr char kStamped = 1;
}  // namespace

void AppendRocksPrefix(const StoreAddress& at, std::string* out) {
  PutBigEndian16(out, at.group);
  PutBigEndian16(out, at.table);
  PutBigEndian32(out, static_cast<uint32_t>(at.key.size()));
  out->append(at.key);
}

void AppendRocksKey(const StoreAddress& at, std::string* out) {
  AppendRocksPrefix(at, out);
  out->append(at.sub);
}

void AppendRocksValue(const StoreValue& value, std::string* out) {
  if (value.last_access_ms == kNoTimestamp) {
    out->push_back(kPlain);
  } else {
    out->push_back(kStamped);
    PutBigEndian64(out, static_cast<uint64_t>(value.last_access_ms));
  }
  out->append(value.value);
}

size_t RocksPrefixSize(std::string_view key) {
  if (key.size() < kHeader) return 0;
  const size_t size = ByteReader(key.substr(4)).BigEndian32();
  return kHeader + size <= key.size() ? kHeader + size : 0;
}

bool ParseRocksKey(std::string_view bytes, StoreAddress* at) {
  const size_t prefix = RocksPrefixSize(bytes);
  if (prefix == 0) return false;
  ByteReader in(bytes);
  at->group = in.BigEndian16();
  at->table = in.BigEndian16();
  at->key = bytes.substr(kHeader, prefix - kHeader);
  at->sub = bytes.substr(prefix);
  return true;
}

bool ParseRocksValue(std::string_view bytes, StoreValue* value) {
  if (bytes.empty() || (bytes[0] != kPlain && bytes[0] != kStamped)) return false;
  value->last_access_ms = kNoTimestamp;
  size_t at = 1;
  if (bytes[0] == kStamped) {
    if (bytes.size() < 9) return false;
    value->last_access_ms = static_cast<int64_t>(ByteReader(bytes.substr(1)).BigEndian64());
    at = 9;
  }
  value->value = bytes.substr(at);
  return true;
}

}  // namespace weir
