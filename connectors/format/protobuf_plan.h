// A schema and a Protobuf message compiled into one table: which field number feeds which column,
// and how. Plain data, made once by ProtobufType, read by decoder and encoder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/model/types.h"

namespace weir {

enum class WireCodec : uint8_t {
  kInt32,
  kInt64,
  kUInt32,
  kUInt64,  // above 2^63 - 1 it fits no int64
  kSInt32,
  kSInt64,
  kBool,
  kFixed32,
  kSFixed32,
  kFixed64,  // as kUInt64
  kSFixed64,
  kFloat,
  kDouble,
  kEnumNumber,
  kEnumName,  // the value's name as text; an unknown value's number
  kString,
  kBytes,
  kTimestamp,  // google.protobuf.Timestamp
  kMessage,
  kMap,  // repeated entries {1: key, 2: value}
};

enum WireType : uint8_t { kWireVarint = 0, kWire64 = 1, kWireBytes = 2, kWire32 = 5 };
WireType WireTypeOf(WireCodec codec);

struct EnumNames {
  absl::flat_hash_map<int32_t, std::string> by_number;
  bool closed = false;  // proto2: a value that is not known is as if it were absent
};

struct WireMessage;

struct WireField {
  std::string name;
  uint32_t number = 0;
  WireCodec codec = WireCodec::kInt64;
  WireType wire = kWireVarint;  // of one value
  bool repeated = false;        // a list, or a map
  bool packed = false;          // how a list is written; both ways are read
  int column = -1;              // of the schema; -1: only clears the others of its oneof
  int oneof = -1;
  bool nullable = false;
  bool presence = false;     // absent is told from zero
  bool required = false;     // proto2
  bool has_default = false;  // proto2
  uint64_t default_bits = 0;
  std::string default_text;
  std::string expected;  // the schema's type as text, for messages
  // Values that one item of a list or map adds to columns: bounds what a small record may become.
  int64_t item_cells = 1;
  std::shared_ptr<const EnumNames> enum_names;
  std::shared_ptr<const WireMessage> message;  // kMessage, kMap (fields 0 and 1: key and value)
};

struct WireMessage {
  std::string name;
  std::vector<WireField> fields;  // by column; then those without one
  int columns = 0;
  int oneofs = 0;
  int64_t cells = 0;

  // The place of the field with this number in `fields`, or -1.
  int Find(uint32_t number) const {
    if (number < by_number.size()) return by_number[number];
    if (large.empty()) return -1;
    const auto it = large.find(number);
    return it == large.end() ? -1 : it->second;
  }
  void Index();  // once `fields` is complete

  std::vector<int16_t> by_number;
  absl::flat_hash_map<uint32_t, int> large;
};

}  // namespace weir
