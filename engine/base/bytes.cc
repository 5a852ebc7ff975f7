#include "engine/base/bytes.h"

namespace weir {
namespace {

template <typename T>
void PutBigEndian(std::string* out, T v) {
  char buffer[sizeof(T)];
  for (size_t i = 0; i < sizeof(T); ++i) {
    buffer[i] = static_cast<char>(v >> (8 * (sizeof(T) - 1 - i)));
  }
  out->append(buffer, sizeof(T));
}

template <typename T>
T LoadBigEndian(std::string_view bytes) {
  T v = 0;
  for (const char c : bytes) v = static_cast<T>((v << 8) | static_cast<uint8_t>(c));
  return v;
}

template <typename T>
T LoadFixed(std::string_view bytes) {
  T v = 0;
  if (bytes.size() == sizeof(T)) std::memcpy(&v, bytes.data(), sizeof(T));
  return v;
}

}  // namespace

void PutBigEndian16(std::string* out, uint16_t v) { PutBigEndian(out, v); }
void PutBigEndian32(std::string* out, uint32_t v) { PutBigEndian(out, v); }
void PutBigEndian64(std::string* out, uint64_t v) { PutBigEndian(out, v); }

void PutVarint(std::string* out, uint64_t v) {
  while (v >= 0x80) {
    out->push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out->push_back(static_cast<char>(v));
}

std::string_view ByteReader::Raw(uint64_t n) {
  if (!ok_ || n > data_.size() - pos_) {
    ok_ = false;
    return {};
  }
  const std::string_view bytes = data_.substr(pos_, n);
  pos_ += n;
  return bytes;
}

uint8_t ByteReader::Byte() { return LoadFixed<uint8_t>(Raw(1)); }
uint32_t ByteReader::Fixed32() { return LoadFixed<uint32_t>(Raw(4)); }
uint64_t ByteReader::Fixed64() { return LoadFixed<uint64_t>(Raw(8)); }
uint16_t ByteReader::BigEndian16() { return LoadBigEndian<uint16_t>(Raw(2)); }
uint32_t ByteReader::BigEndian32() { return LoadBigEndian<uint32_t>(Raw(4)); }
uint64_t ByteReader::BigEndian64() { return LoadBigEndian<uint64_t>(Raw(8)); }

uint64_t ByteReader::Varint() {
  uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    if (!ok_) return 0;
    // The tenth byte has room for one bit only; more would be cut off silently.
    if (shift == 63 && byte > 1) break;
    v |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return v;
  }
  ok_ = false;
  return 0;
}

}  // namespace weir
