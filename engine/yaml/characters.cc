#include "engine/yaml/characters.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/yaml/diagnostics.h"

namespace weir {

size_t Utf8Length(std::string_view text, size_t at) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || outside ? 0 : length;
}

bool CheckCharacters(std::string_view text, Diagnostics* diagnostics) {
  SourceMark mark{1, 1, 2};
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const bool control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
    if (length == 0 || control || c == 0x7F) {
      diagnostics->Error(mark, ErrorCode::kConfigSyntax,
                         length == 0
                             ? "the file is not valid UTF-8 here"
                             : absl::StrCat("the control character 0x",
                                            absl::Hex(c, absl::kZeroPad2), " is not allowed"));
      return false;
    }
    i += length;
    ++mark.column;
    if (c == '\n') mark = {mark.line + 1, 1, 2};
    mark.end_column = mark.column + 1;
  }
  return true;
}

std::string Printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (length == 0) {
      out += "\uFFFD";
    } else if (c < 0x20 || c == 0x7F) {
      out += c == '\t' || c == '\n' ? ' ' : '?';
    } else {
      out.append(text.substr(i, length));
    }
    i += std::max<size_t>(length, 1);
  }
  return out;
}

std::string QuoteShortened(std::string_view text) {
  constexpr size_t kMaxShown = 60;
  if (text.size() <= kMaxShown) return absl::StrCat("'", ToAbsl(text), "'");
  size_t end = kMaxShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat("'", ToAbsl(text.substr(0, end)), "...'");
}

}  // namespace weir
