#include "connectors/format/text.h"

#include <simdjson.h>

#include <cstdint>
#include <cstring>

namespace weir {

bool IsRecordText(std::string_view bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x8080808080808080;
  const char* p = bytes.data();
  size_t left = bytes.size();
  // Most text is short and ASCII: then no byte is 0 (v - 1 borrows into its high bit) or above 127.
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    if ((((v - kOnes) | v) & kHigh) != 0) break;
  }
  if (left < 8) {
    uint8_t bad = 0;
    for (size_t i = 0; i < left; ++i) {
      bad |= static_cast<uint8_t>(p[i] - 1) | static_cast<uint8_t>(p[i]);
    }
    if ((bad & 0x80) == 0) return true;
  }
  return std::memchr(p, 0, left) == nullptr && simdjson::validate_utf8(p, left);
}

}  // namespace weir
