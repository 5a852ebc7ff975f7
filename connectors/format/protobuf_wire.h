// Protobuf's wire format, read safely from untrusted bytes: nothing is read beyond the end.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "connectors/format/protobuf_plan.h"

namespace weir {

class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool AtEnd() const { return p_ == end_; }

  // All of these are false, and the reader is of no more use, if the bytes are malformed.
  bool Varint(uint64_t* value) {
    if (p_ < end_ && static_cast<uint8_t>(*p_) < 0x80) [[likely]] {
      *value = static_cast<uint8_t>(*p_++);
      return true;
    }
    return LongVarint(10, value);
  }
  // Field number and wire type. A number of 0 is malformed.
  bool Tag(uint32_t* tag) {
    uint64_t value;
    if (p_ < end_ && static_cast<uint8_t>(*p_) < 0x80) [[likely]] {
      value = static_cast<uint8_t>(*p_++);
    } else if (!LongVarint(5, &value)) {
      return false;
    }
    *tag = static_cast<uint32_t>(value);
    return *tag >> 3 != 0;
  }
  bool Fixed32(uint64_t* value) {
    if (end_ - p_ < 4) return false;
    uint32_t bits;
    std::memcpy(&bits, p_, 4);
    *value = bits;
    p_ += 4;
    return true;
  }
  bool Fixed64(uint64_t* value) {
    if (end_ - p_ < 8) return false;
    std::memcpy(value, p_, 8);
    p_ += 8;
    return true;
  }
  bool Bytes(std::string_view* bytes) {
    uint64_t length;
    if (p_ < end_ && static_cast<uint8_t>(*p_) < 0x80) [[likely]] {
      length = static_cast<uint8_t>(*p_++);
    } else if (!LongVarint(5, &length)) {
      return false;
    }
    if (length > static_cast<uint64_t>(end_ - p_)) return false;
    *bytes = {p_, static_cast<size_t>(length)};
    p_ += length;
    return true;
  }
  // One value of a wire type that is not kWireBytes.
  bool Scalar(WireType wire, uint64_t* value) {
    if (wire == kWireVarint) return Varint(value);
    return wire == kWire64 ? Fixed64(value) : Fixed32(value);
  }
  // Steps over the value behind `tag`, of any wire type. *too_deep: groups nest deeper than
  // `depth`.
  bool Skip(uint32_t tag, int depth, bool* too_deep);

 private:
  bool LongVarint(int max_bytes, uint64_t* value);

  const char* p_;
  const char* end_;
};

// The appending side.
void PutWireVarint(uint64_t value, std::string* out);
inline void PutWireTag(uint32_t number, WireType wire, std::string* out) {
  PutWireVarint(uint64_t{number} << 3 | wire, out);
}

}  // namespace weir
