// Splits an expression's text into tokens and decodes its literals.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/expr/ast.h"

namespace weir::expr {

enum class TokenType : uint8_t {
  kEnd,
  kName,     // identifier or keyword; `text` is it
  kSymbol,   // operator or punctuation; `text` is it
  kInt,      // magnitude: the sign is the parser's, so that -2^63 can be written
  kLiteral,  // uint, double, string, bytes: `value`
};

struct Token {
  TokenType type = TokenType::kEnd;
  Position position;
  std::string_view text;
  uint64_t magnitude = 0;
  Value value;
};

// All tokens and a final kEnd; or the first error.
std::optional<Diagnostic> Tokenize(std::string_view text, std::vector<Token>* tokens);

// The content of a string or bytes literal, `literal` being the token with prefix and quotes.
// Returns an error text or "".
std::string DecodeString(std::string_view literal, Value* out);

}  // namespace weir::expr
