// Numbers and escapes of JSON.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "engine/model/json_scan.h"

namespace weir {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Skips digits from `i`; returns the position behind them.
size_t Digits(std::string_view token, size_t i) {
  while (i < token.size() && IsDigit(token[i])) ++i;
  return i;
}

// The value of 4 hex digits, or -1.
int Hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  unsigned value = 0;
  const char* end = text.data() + at + 4;
  // from_chars takes no sign or 0x here, so exactly four hex digits pass.
  const auto result = std::from_chars(text.data() + at, end, value, 16);
  return result.ec == std::errc() && result.ptr == end ? static_cast<int>(value) : -1;
}

void AppendUtf8(uint32_t c, std::string* out) {
  const auto put = [&](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// Decodes the \uXXXX whose 'u' is at *i, with its second half if it is a surrogate pair.
JsonFault AppendUnicode(std::string_view raw, size_t* i, std::string* out) {
  const int first = Hex4(raw, *i + 1);
  if (first < 0) return JsonFault::kSyntax;
  *i += 5;
  if (first == 0) return JsonFault::kBadText;
  if (first < 0xD800 || first > 0xDFFF) {
    AppendUtf8(static_cast<uint32_t>(first), out);
    return JsonFault::kNone;
  }
  const bool pair = first < 0xDC00 && raw.substr(*i, 2) == "\\u";
  const int second = pair ? Hex4(raw, *i + 2) : -1;
  if (pair && second < 0) return JsonFault::kSyntax;
  if (second < 0xDC00 || second > 0xDFFF) return JsonFault::kBadText;
  *i += 6;
  AppendUtf8(0x10000 + (static_cast<uint32_t>(first - 0xD800) << 10) +
                 static_cast<uint32_t>(second - 0xDC00),
             out);
  return JsonFault::kNone;
}

// Is the number's absolute value >= 1? Tells too large from too small, which from_chars does not,
// and strtod only in the right locale.
bool AtLeastOne(std::string_view token) {
  const size_t e = token.find_first_of("eE");
  const std::string_view digits = token.substr(0, e);
  const size_t point = std::min(digits.find('.'), digits.size());
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  // Decimal exponent of the first significant digit before `e` shifts it.
  const int64_t scale =
      static_cast<int64_t>(point) - static_cast<int64_t>(first) - (first < point ? 1 : 0);
  int64_t shift = 0;
  if (e != std::string_view::npos) {
    const char* begin = token.data() + e + (token[e + 1] == '+' ? 2 : 1);
    const auto result = std::from_chars(begin, token.data() + token.size(), shift);
    if (result.ec != std::errc()) return *begin != '-';
  }
  return shift >= -scale;
}

}  // namespace

bool IsJsonNumber(std::string_view token, bool* integer) {
  *integer = true;
  size_t i = !token.empty() && token[0] == '-' ? 1 : 0;
  const size_t whole = i;
  i = Digits(token, i);
  if (i == whole || (token[whole] == '0' && i > whole + 1)) return false;
  if (i < token.size() && token[i] == '.') {
    *integer = false;
    const size_t fraction = ++i;
    i = Digits(token, i);
    if (i == fraction) return false;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    *integer = false;
    ++i;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    const size_t exponent = i;
    i = Digits(token, i);
    if (i == exponent) return false;
  }
  return i == token.size();
}

double JsonNumberToDouble(std::string_view token) {
  double value = 0;
  const auto result = std::from_chars(token.data(), token.data() + token.size(), value);
  if (result.ec != std::errc::result_out_of_range) return value;
  const double magnitude = AtLeastOne(token) ? HUGE_VAL : 0.0;
  return token[0] == '-' ? -magnitude : magnitude;
}

JsonFault AppendUnescaped(std::string_view raw, std::string* out) {
  for (size_t i = 0; i < raw.size();) {
    const auto* backslash =
        static_cast<const char*>(std::memchr(raw.data() + i, '\\', raw.size() - i));
    if (backslash == nullptr) {
      out->append(raw.substr(i));
      break;
    }
    const auto at = static_cast<size_t>(backslash - raw.data());
    out->append(raw.substr(i, at - i));
    i = at + 1;
    switch (i < raw.size() ? raw[i] : '\0') {
      case '"':
        out->push_back('"');
        break;
      case '\\':
        out->push_back('\\');
        break;
      case '/':
        out->push_back('/');
        break;
      case 'b':
        out->push_back('\b');
        break;
      case 'f':
        out->push_back('\f');
        break;
      case 'n':
        out->push_back('\n');
        break;
      case 'r':
        out->push_back('\r');
        break;
      case 't':
        out->push_back('\t');
        break;
      case 'u':
        if (const JsonFault fault = AppendUnicode(raw, &i, out); fault != JsonFault::kNone) {
          return fault;
        }
        continue;  // AppendUnicode has moved on
      default:
        return JsonFault::kSyntax;
    }
    ++i;
  }
  return JsonFault::kNone;
}

}  // namespace weir
