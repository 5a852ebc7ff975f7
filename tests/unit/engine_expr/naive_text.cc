// Conversions, strings and times of the naive interpreter.
#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/engine_expr/naive_interpreter.h"

namespace weir::naive {

namespace {

using K = Value::Kind;
using Text = std::u32string;

Result Error() { return std::nullopt; }

Text Decode(const std::string& utf8) {
  Text out;
  for (size_t i = 0; i < utf8.size();) {
    const unsigned char lead = static_cast<unsigned char>(utf8[i]);
    const int length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t c = length == 1 ? lead : lead & (0x7F >> length);
    for (int k = 1; k < length; ++k) c = c << 6 | (utf8[i + k] & 0x3F);
    out.push_back(c);
    i += length;
  }
  return out;
}

std::string Encode(const Text& text) {
  std::string out;
  for (const char32_t c : text) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xC0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xE0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 63));
      out += static_cast<char>(0x80 | (c & 63));
    } else {
      out += static_cast<char>(0xF0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 63));
      out += static_cast<char>(0x80 | (c >> 6 & 63));
      out += static_cast<char>(0x80 | (c & 63));
    }
  }
  return out;
}

bool AllDigits(const std::string& s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result ParseInteger(const std::string& s, bool is_signed) {
  const bool negative = is_signed && s[0] == '-';
  const std::string digits = s.substr(negative ? 1 : 0);
  if (!AllDigits(digits) || digits.size() > 30) return Error();
  __int128 v = 0;
  for (const char c : digits) v = v * 10 + (c - '0');
  if (negative) v = -v;
  if (is_signed) {
    if (v < INT64_MIN || v > INT64_MAX) return Error();
    return Value::Int(static_cast<int64_t>(v));
  }
  if (v > static_cast<__int128>(UINT64_MAX)) return Error();
  return Value::Uint(static_cast<uint64_t>(v));
}

Result ToInt(const Value& v) {
  switch (v.kind()) {
    case K::kInt:
      return v;
    case K::kUint:
      return v.uint_value() > INT64_MAX ? Error() : Value::Int(v.int_value());
    case K::kDouble: {
      const double d = std::trunc(v.double_value());
      // 2^63 itself rounds from numbers on both sides of the edge, so both edges are out.
      if (!(std::fabs(d) < 9223372036854775808.0)) return Error();
      return Value::Int(static_cast<int64_t>(d));
    }
    case K::kString:
      return v.string_value().empty() ? Error() : ParseInteger(v.string_value(), true);
    case K::kTimestamp:
      return Value::Int(
          static_cast<int64_t>(std::floor(static_cast<long double>(v.int_value()) / 1000)));
    default:
      return Error();
  }
}

Result ToUint(const Value& v) {
  switch (v.kind()) {
    case K::kUint:
      return v;
    case K::kInt:
      return v.int_value() < 0 ? Error() : Value::Uint(v.uint_value());
    case K::kDouble: {
      const double d = std::trunc(v.double_value());
      if (!(d >= 0 && d < 18446744073709551616.0)) return Error();
      return Value::Uint(static_cast<uint64_t>(d));
    }
    case K::kString:
      return v.string_value().empty() ? Error() : ParseInteger(v.string_value(), false);
    default:
      return Error();
  }
}

Result ToDouble(const Value& v) {
  switch (v.kind()) {
    case K::kDouble:
      return v;
    case K::kInt:
      return Value::Double(static_cast<double>(v.int_value()));
    case K::kUint:
      return Value::Double(static_cast<double>(v.uint_value()));
    case K::kString: {
      const std::string& s = v.string_value();
      if (s == "NaN") return Value::Double(std::nan(""));
      if (s == "Infinity") return Value::Double(INFINITY);
      if (s == "-Infinity") return Value::Double(-INFINITY);
      // Only what the random texts contain: strtod alone would take spaces, '+' and hex.
      if (s.empty() || s.find_first_not_of("0123456789.eE+-") != std::string::npos) return Error();
      if (s[0] == '+') return Error();
      char* end = nullptr;
      const double d = std::strtod(s.c_str(), &end);
      return *end != '\0' || std::isinf(d) ? Error() : Value::Double(d);
    }
    default:
      return Error();
  }
}

std::string ShortestDouble(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d > 0 ? "Infinity" : "-Infinity";
  return Value::Double(d).ToJson();
}

std::string DurationText(int64_t ms) {
  char out[64];
  std::snprintf(out, sizeof out, "%s%lld.%03lld", ms < 0 ? "-" : "",
                static_cast<long long>(std::llabs(ms) / 1000),
                static_cast<long long>(std::llabs(ms) % 1000));
  std::string s = out;
  while (s.back() == '0') s.pop_back();
  if (s.back() == '.') s.pop_back();
  return s + "s";
}

struct Clock {
  int64_t year, month, day, day_of_year, day_of_week, hour, minute, second, ms;
};

Clock At(int64_t ms) {
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  const auto new_year = std::chrono::sys_days(date.year() / 1 / 1);
  return {int(date.year()),
          static_cast<int64_t>(unsigned(date.month())),
          static_cast<int64_t>(unsigned(date.day())),
          (day - new_year).count(),
          static_cast<int64_t>(std::chrono::weekday(day).c_encoding()),
          clock.hours().count(),
          clock.minutes().count(),
          clock.seconds().count(),
          clock.subseconds().count()};
}

std::string TimestampText(int64_t ms) {
  const Clock c = At(ms);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02d-%02dT%02d:%02d:%02d", int(c.year), int(c.month),
                int(c.day), int(c.hour), int(c.minute), int(c.second));
  std::string s = out;
  if (c.ms != 0) {
    std::snprintf(out, sizeof out, ".%03d", int(c.ms));
    s += out;
  }
  return s + "Z";
}

// The random texts hold times of these two shapes only; anything else does not parse.
Result ToTimestamp(const Value& v) {
  if (v.kind() == K::kTimestamp) return v;
  if (v.kind() == K::kInt) {
    const long double ms = static_cast<long double>(v.int_value()) * 1000;
    if (ms < -62135596800000.0L || ms > 253402300799999.0L) return Error();
    return Value::Timestamp(v.int_value() * 1000);
  }
  if (v.kind() != K::kString) return Error();
  int y, mo, d, h, mi, s, n = 0;
  const std::string& text = v.string_value();
  std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &y, &mo, &d, &h, &mi, &s, &n);
  if (n != 20 || text.size() != 20) return Error();
  const std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(unsigned(mo)),
                                         std::chrono::day(unsigned(d))};
  if (!date.ok() || h > 23 || mi > 59 || s > 59 || y < 1) return Error();
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Value::Timestamp((((days * 24 + h) * 60 + mi) * 60 + s) * 1000);
}

Result ToDuration(const Value& v) {
  if (v.kind() == K::kDuration) return v;
  if (v.kind() != K::kString) return Error();
  const std::string& s = v.string_value();
  if (s == "0") return Value::Duration(0);
  int64_t n = 0;
  int used = 0;
  char unit[3] = "";
  if (std::sscanf(s.c_str(), "%6ld%2[a-z]%n", &n, unit, &used) != 2) return Error();
  if (used != static_cast<int>(s.size())) return Error();
  const std::string u = unit;
  const int64_t scale = u == "h" ? 3600000 : u == "m" ? 60000 : u == "s" ? 1000 : u == "ms" ? 1 : 0;
  return scale == 0 ? Error() : Value::Duration(n * scale);
}

Result ToText(const Value& v) {
  switch (v.kind()) {
    case K::kString:
      return v;
    case K::kBool:
      return Value::String(v.bool_value() ? "true" : "false");
    case K::kInt:
      return Value::String(std::to_string(v.int_value()));
    case K::kUint:
      return Value::String(std::to_string(v.uint_value()));
    case K::kDouble:
      return Value::String(ShortestDouble(v.double_value()));
    case K::kTimestamp:
      return Value::String(TimestampText(v.int_value()));
    case K::kDuration:
      return Value::String(DurationText(v.int_value()));
    case K::kBytes: {
      // Valid UTF-8 is what comes back unchanged; truncated tails would read past the end.
      const std::string padded = v.string_value() + std::string(4, '\0');
      std::string back = Encode(Decode(padded));
      return back == padded ? Value::String(v.string_value()) : Error();
    }
    default:
      return Error();
  }
}

Result ToBool(const Value& v) {
  if (v.kind() == K::kBool) return v;
  if (v.kind() != K::kString) return Error();
  const std::string& s = v.string_value();
  if (s == "1" || s == "t" || s == "true" || s == "True" || s == "TRUE") return Value::Bool(true);
  if (s == "0" || s == "f" || s == "false" || s == "False" || s == "FALSE") {
    return Value::Bool(false);
  }
  return Error();
}

}  // namespace

Result CallConversion(const std::string& name, const Value& v) {
  if (name == "int") return ToInt(v);
  if (name == "uint") return ToUint(v);
  if (name == "double") return ToDouble(v);
  if (name == "string") return ToText(v);
  if (name == "bool") return ToBool(v);
  if (name == "timestamp") return ToTimestamp(v);
  if (name == "duration") return ToDuration(v);
  if (v.kind() == K::kBytes) return v;
  return v.kind() == K::kString ? Value::Bytes(v.string_value()) : Error();
}

Result CallTime(const std::string& name, const Args& args) {
  const Value& v = args[0];
  if (v.kind() == K::kDuration && args.size() == 1) {
    const int64_t ms = v.int_value();
    if (name == "getHours") return Value::Int(ms / 3600000);
    if (name == "getMinutes") return Value::Int(ms / 60000);
    if (name == "getSeconds") return Value::Int(ms / 1000);
    return name == "getMilliseconds" ? Value::Int(ms % 1000) : Error();
  }
  if (v.kind() != K::kTimestamp) return Error();
  int64_t ms = v.int_value();
  if (args.size() == 2) {
    // Offsets in the random expressions are "+hh:mm" or "-hh:mm".
    if (args[1].kind() != K::kString || args[1].string_value().size() != 6) return Error();
    const std::string& zone = args[1].string_value();
    const int64_t minutes = std::stoi(zone.substr(1, 2)) * 60 + std::stoi(zone.substr(4, 2));
    ms += (zone[0] == '-' ? -1 : 1) * minutes * 60000;
  }
  const Clock c = At(ms);
  if (name == "getFullYear") return Value::Int(c.year);
  if (name == "getMonth") return Value::Int(c.month - 1);
  if (name == "getDate") return Value::Int(c.day);
  if (name == "getDayOfMonth") return Value::Int(c.day - 1);
  if (name == "getDayOfWeek") return Value::Int(c.day_of_week);
  if (name == "getDayOfYear") return Value::Int(c.day_of_year);
  if (name == "getHours") return Value::Int(c.hour);
  if (name == "getMinutes") return Value::Int(c.minute);
  if (name == "getSeconds") return Value::Int(c.second);
  return Value::Int(c.ms);
}

Result CallString(const std::string& name, const Args& args) {
  const Value& v = args[0];
  if (name == "size") {
    if (v.kind() == K::kList) return Value::Int(static_cast<int64_t>(v.list().size()));
    if (v.kind() == K::kMap) return Value::Int(static_cast<int64_t>(v.map().size()));
    if (v.kind() == K::kBytes) return Value::Int(static_cast<int64_t>(v.string_value().size()));
  }
  if (v.kind() != K::kString) return Error();
  const Text text = Decode(v.string_value());
  if (name == "size") return Value::Int(static_cast<int64_t>(text.size()));
  if (name == "lowerAscii" || name == "upperAscii") {
    std::string out = v.string_value();
    for (char& c : out) {
      if (name[0] == 'l' && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      if (name[0] == 'u' && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    return Value::String(out);
  }
  if (name == "substring") {
    const int64_t size = static_cast<int64_t>(text.size());
    for (size_t i = 1; i < args.size(); ++i) {
      if (args[i].kind() != K::kInt || args[i].int_value() < 0 || args[i].int_value() > size) {
        return Error();
      }
    }
    const int64_t from = args[1].int_value();
    const int64_t to = args.size() > 2 ? args[2].int_value() : size;
    if (from > to) return Error();
    return Value::String(
        Encode(text.substr(static_cast<size_t>(from), static_cast<size_t>(to - from))));
  }
  if (args.size() < 2 || args[1].kind() != K::kString) return Error();
  const Text part = Decode(args[1].string_value());
  if (name == "contains") return Value::Bool(text.find(part) != Text::npos);
  if (name == "startsWith") return Value::Bool(text.compare(0, part.size(), part) == 0);
  if (name == "endsWith") {
    return Value::Bool(text.size() >= part.size() &&
                       text.compare(text.size() - part.size(), part.size(), part) == 0);
  }
  if (name == "indexOf") {
    const size_t at = text.find(part);
    return Value::Int(at == Text::npos ? -1 : static_cast<int64_t>(at));
  }
  if (name == "matches") {
    const re2::RE2 re(args[1].string_value(), re2::RE2::Quiet);
    return re.ok() ? Value::Bool(re2::RE2::PartialMatch(v.string_value(), re)) : Error();
  }
  return Error();
}

}  // namespace weir::naive
