// UTF-8 and names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::expr {

// Appends the encoding of a code point.
void AppendUtf8(uint32_t code_point, std::string* out);
bool IsValidUtf8(std::string_view text);
inline bool IsUtf8Start(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
// Number of code points of valid UTF-8.
size_t CountCodePoints(std::string_view text);
// Byte position of code point `index`; the text's size if index == count; npos beyond.
size_t CodePointOffset(std::string_view text, int64_t index);

// " (did you mean 'kind'?)" with the known name nearest to `name`, or "" if none is near.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& known);

}  // namespace weir::expr
