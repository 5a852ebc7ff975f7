// Byte encodings shared by keys, rows, state and files. Little endian unless a name says BigEndian.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weir {

inline void PutFixed32(std::string* out, uint32_t v) {
  out->append(reinterpret_cast<const char*>(&v), 4);
}
inline void PutFixed64(std::string* out, uint64_t v) {
  out->append(reinterpret_cast<const char*>(&v), 8);
}
void PutBigEndian16(std::string* out, uint16_t v);
void PutBigEndian32(std::string* out, uint32_t v);
void PutBigEndian64(std::string* out, uint64_t v);
void PutVarint(std::string* out, uint64_t v);  // LEB128
// Zigzag, so that small negative numbers stay short.
inline void PutSigned(std::string* out, int64_t v) {
  PutVarint(out, (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
}
inline void PutBytes(std::string* out, std::string_view v) {
  PutVarint(out, v.size());
  out->append(v);
}

// Reads what the functions above wrote. After a failed read ok() is false and stays so; reads then
// give zero or empty, so a decoder checks once at its end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : data_(data) {}
  bool ok() const { return ok_; }
  bool AtEnd() const { return pos_ == data_.size(); }
  size_t position() const { return pos_; }
  std::string_view rest() const { return data_.substr(pos_); }

  uint8_t Byte();
  uint32_t Fixed32();
  uint64_t Fixed64();
  uint16_t BigEndian16();
  uint32_t BigEndian32();
  uint64_t BigEndian64();
  uint64_t Varint();
  int64_t Signed() {
    const uint64_t v = Varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  std::string_view Bytes() { return Raw(Varint()); }
  std::string_view Raw(uint64_t n);

 private:
  std::string_view data_;
  size_t pos_ = 0;
  bool ok_ = true;
};

}  // namespace weir
