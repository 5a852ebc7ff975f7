// Text that came from an agent, made fit to be stored and shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

// Valid UTF-8 without control characters.
bool IsCleanText(std::string_view text);
// At most `max_bytes`, cut between characters; what is not clean becomes '?'.
std::string CleanText(std::string_view text, size_t max_bytes);

}  // namespace weir
