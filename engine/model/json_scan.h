// Reads JSON text token by token (RFC 8259, strictly). simdjson's first stage finds the tokens and
// checks UTF-8 with SIMD; the grammar, the limits and the text rules are ours, because every line
// must be checked as a whole while only some of its fields are wanted.
//
//   if (scanner.Scan(line) == JsonFault::kNone && scanner.Type(0) == '{') ...
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/status.h"

namespace weir {

enum class JsonFault : uint8_t { kNone, kSyntax, kTooDeep, kTooLarge, kBadText };

struct JsonLimits {
  int max_depth = 1024;                      // of nested lists and objects; the outermost is 1
  size_t max_string_bytes = SIZE_MAX;        // of one string or name, as written
  size_t max_bytes = (size_t{1} << 31) - 1;  // of the whole text
};

// Not thread-safe; reuse it, it owns the token index.
class JsonScanner {
 public:
  explicit JsonScanner(const JsonLimits& limits);
  ~JsonScanner();
  JsonScanner(const JsonScanner&) = delete;
  JsonScanner& operator=(const JsonScanner&) = delete;

  const JsonLimits& limits() const { return limits_; }

  // Finds the tokens of `text`, which must live until the next Scan. Needs no padding behind the
  // text and copies nothing. Refuses NUL bytes, broken UTF-8, control characters in strings and
  // unclosed strings; everything else is found by walking the tokens.
  JsonFault Scan(std::string_view text);

  uint32_t size() const { return size_; }
  // First character of token i: one of {}[]:," or of a number, literal or garbage. 0 at the end.
  char Type(uint32_t i) const { return i < size_ ? text_[index_[i]] : '\0'; }
  // Text of a scalar token without the space behind it.
  std::string_view Token(uint32_t i) const {
    size_t end = index_[i + 1];  // stage 1 puts the text's length behind the last token
    while (IsSpace(text_[end - 1])) --end;
    return text_.substr(index_[i], end - index_[i]);
  }
  // Text from token i up to token `end` (one past the value's last), without space at its end.
  std::string_view Range(uint32_t i, uint32_t end) const {
    const std::string_view last = Token(end - 1);
    return {text_.data() + index_[i],
            static_cast<size_t>(last.data() + last.size() - text_.data()) - index_[i]};
  }

  // String token i without its quotes, escapes as written. Fails if it is too large.
  JsonFault RawString(uint32_t i, std::string_view* raw) const {
    const std::string_view token = Token(i);
    *raw = token.substr(1, token.size() - 2);
    return raw->size() > limits_.max_string_bytes ? JsonFault::kTooLarge : JsonFault::kNone;
  }
  // String token i decoded: a view into the text, or into *scratch if it has escapes.
  JsonFault String(uint32_t i, std::string* scratch, std::string_view* out) const {
    if (const JsonFault fault = RawString(i, out); fault != JsonFault::kNone) return fault;
    if (!HasEscapes(*out)) return JsonFault::kNone;
    return DecodeEscapes(scratch, out);
  }

  // Checks the value that starts at token *i and sets *i behind it. `depth` = lists and objects
  // around it.
  JsonFault Skip(uint32_t* i, int depth) const;
  JsonFault SkipScalar(uint32_t i) const;
  // Sets *i behind the value without checking it: for who looks at every token of it later anyway.
  // False if a list or object does not end.
  bool Jump(uint32_t* i) const;

 private:
  struct Tokens;  // simdjson's; its header is heavy

  static bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  bool HasEscapes(std::string_view raw) const {
    return has_backslash_ && std::memchr(raw.data(), '\\', raw.size()) != nullptr;
  }
  static JsonFault DecodeEscapes(std::string* scratch, std::string_view* text);
  JsonFault SkipObject(uint32_t* i, int depth) const;
  JsonFault SkipList(uint32_t* i, int depth) const;
  JsonFault CheckString(uint32_t i) const;
  bool Fit(size_t bytes);

  const JsonLimits limits_;
  std::unique_ptr<Tokens> tokens_;
  size_t capacity_ = 0;
  std::string_view text_;
  const uint32_t* index_ = nullptr;
  uint32_t size_ = 0;
  bool has_backslash_ = false;
  mutable std::string scratch_;  // decoded only to be checked
};

// True if the token is a number by JSON's grammar; *integer = it has no fraction and no exponent.
bool IsJsonNumber(std::string_view token, bool* integer);
// The value of a JSON number; too large for a double gives an infinity, too small gives zero.
double JsonNumberToDouble(std::string_view token);
// Decodes the escapes of `raw` (valid UTF-8 between the quotes) and appends the result. kSyntax for
// an escape that JSON does not have, kBadText for NUL and lone surrogates.
JsonFault AppendUnescaped(std::string_view raw, std::string* out);

// The numbered error of a fault, without a place in the text.
Status JsonFaultToStatus(JsonFault fault, const JsonLimits& limits);

}  // namespace weir
