// Characters of topologies and of messages about them.
#pragma once

#include <string>
#include <string_view>

namespace weir {

class Diagnostics;

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none.
size_t Utf8Length(std::string_view text, size_t at);

// False, with kConfigSyntax at the first broken or control character. libfyaml would silently end
// the document there.
bool CheckCharacters(std::string_view text, Diagnostics* diagnostics);

// Without what a terminal would act on, and without broken UTF-8.
std::string Printable(std::string_view text);

// "'text'", cut when it is long.
std::string QuoteShortened(std::string_view text);

}  // namespace weir
