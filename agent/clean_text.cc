#include "agent/clean_text.h"

#include <algorithm>

#include "engine/expr/text.h"

namespace weir {

namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

bool IsCleanText(std::string_view text) {
  return std::none_of(text.begin(), text.end(), IsControl) && expr::IsValidUtf8(text);
}

std::string CleanText(std::string_view text, size_t max_bytes) {
  size_t end = std::min(text.size(), max_bytes);
  while (end > 0 && end < text.size() && !expr::IsUtf8Start(text[end])) --end;
  std::string out(text.substr(0, end));
  const bool valid = expr::IsValidUtf8(out);
  for (char& c : out) {
    if (IsControl(c) || (!valid && (c & 0x80) != 0)) c = '?';
  }
  return out;
}

}  // namespace weir
