#include <string>

#include "engine/expr/lexer.h"
#include "engine/expr/text.h"

namespace weir::expr {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Decodes the escapes of one literal's body.
class Unescaper {
 public:
  Unescaper(std::string_view body, bool bytes) : body_(body), bytes_(bytes) {}

  std::string Run(std::string* out) {
    while (at_ < body_.size()) {
      const char c = body_[at_++];
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      std::string error = Escape(out);
      if (!error.empty()) return error;
    }
    return "";
  }

 private:
  std::string Escape(std::string* out) {
    if (at_ == body_.size()) return "string ends in a backslash";
    const char c = body_[at_++];
    switch (c) {
      case 'a':
        out->push_back('\a');
        return "";
      case 'b':
        out->push_back('\b');
        return "";
      case 'f':
        out->push_back('\f');
        return "";
      case 'n':
        out->push_back('\n');
        return "";
      case 'r':
        out->push_back('\r');
        return "";
      case 't':
        out->push_back('\t');
        return "";
      case 'v':
        out->push_back('\v');
        return "";
      case '\\':
      case '?':
      case '"':
      case '\'':
      case '`':
        out->push_back(c);
        return "";
      case 'x':
      case 'X':
        return Number(2, 16, bytes_, out);
      case 'u':
        return bytes_ ? NotInBytes(c) : Number(4, 16, false, out);
      case 'U':
        return bytes_ ? NotInBytes(c) : Number(8, 16, false, out);
      case '0':
      case '1':
      case '2':
      case '3':
        --at_;
        return Number(3, 8, bytes_, out);
      default:
        return std::string("unknown escape '\\") + c + "'";
    }
  }

  static std::string NotInBytes(char c) {
    return std::string("escape '\\") + c + "' is not allowed in bytes";
  }

  // In bytes an escape is one byte, in strings one code point.
  std::string Number(size_t digits, unsigned base, bool byte, std::string* out) {
    uint32_t v = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = at_ < body_.size() ? HexDigit(body_[at_]) : -1;
      if (digit < 0 || digit >= static_cast<int>(base)) {
        return "escape needs " + std::to_string(digits) + (base == 8 ? " octal" : " hexadecimal") +
               " digits";
      }
      v = v * base + static_cast<uint32_t>(digit);
    }
    if (byte) {
      out->push_back(static_cast<char>(v));
      return "";
    }
    if (v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF)) return "escape is not a code point";
    AppendUtf8(v, out);
    return "";
  }

  std::string_view body_;
  bool bytes_;
  size_t at_ = 0;
};

}  // namespace

std::string DecodeString(std::string_view literal, Value* out) {
  bool raw = false;
  bool bytes = false;
  while (literal[0] != '\'' && literal[0] != '"') {
    raw = raw || (literal[0] | 0x20) == 'r';
    bytes = bytes || (literal[0] | 0x20) == 'b';
    literal.remove_prefix(1);
  }
  const bool triple = literal.size() >= 6 && literal[1] == literal[0] && literal[2] == literal[0];
  const size_t quotes = triple ? 3 : 1;
  const std::string_view body = literal.substr(quotes, literal.size() - 2 * quotes);
  std::string decoded;
  if (raw) {
    decoded = body;
  } else if (std::string error = Unescaper(body, bytes).Run(&decoded); !error.empty()) {
    return error;
  }
  *out = bytes ? Value::Bytes(std::move(decoded)) : Value::String(std::move(decoded));
  return "";
}

}  // namespace weir::expr
