#include "connectors/format/protobuf_wire.h"

namespace weir {
namespace {

constexpr uint32_t kStartGroup = 3;
constexpr uint32_t kEndGroup = 4;

}  // namespace

WireType WireTypeOf(WireCodec codec) {
  switch (codec) {
    case WireCodec::kFixed32:
    case WireCodec::kSFixed32:
    case WireCodec::kFloat:
      return kWire32;
    case WireCodec::kFixed64:
    case WireCodec::kSFixed64:
    case WireCodec::kDouble:
      return kWire64;
    case WireCodec::kString:
    case WireCodec::kBytes:
    case WireCodec::kTimestamp:
    case WireCodec::kMessage:
    case WireCodec::kMap:
      return kWireBytes;
    default:
      return kWireVarint;
  }
}

void WireMessage::Index() {
  constexpr uint32_t kDense = 1024;
  for (size_t k = 0; k < fields.size(); ++k) {
    const uint32_t number = fields[k].number;
    if (number >= kDense) {
      large[number] = static_cast<int>(k);
      continue;
    }
    if (by_number.size() <= number) by_number.resize(number + 1, -1);
    by_number[number] = static_cast<int16_t>(k);
  }
}

// What does not fit the value's bits is dropped, as libprotobuf does; more bytes than `max_bytes`
// are malformed.
bool WireReader::LongVarint(int max_bytes, uint64_t* value) {
  uint64_t bits = 0;
  for (int i = 0; i < max_bytes && p_ < end_; ++i) {
    const auto byte = static_cast<uint8_t>(*p_++);
    bits |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte >= 0x80) continue;
    *value = bits;
    return true;
  }
  return false;
}

bool WireReader::Skip(uint32_t tag, int depth, bool* too_deep) {
  uint64_t value;
  std::string_view bytes;
  switch (tag & 7) {
    case kWireVarint:
      return Varint(&value);
    case kWire64:
      return Fixed64(&value);
    case kWireBytes:
      return Bytes(&bytes);
    case kWire32:
      return Fixed32(&value);
    case kStartGroup:
      break;
    default:
      return false;
  }
  if (depth <= 0) {
    *too_deep = true;
    return false;
  }
  for (uint32_t inner;;) {
    if (!Tag(&inner)) return false;
    if ((inner & 7) == kEndGroup) return inner >> 3 == tag >> 3;
    if (!Skip(inner, depth - 1, too_deep)) return false;
  }
}

void PutWireVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

}  // namespace weir
