// int(), uint(), double(), string(), bytes(), bool(), timestamp(), duration().
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/charconv.h"
#include "engine/expr/kernel.h"
#include "engine/expr/text.h"
#include "engine/expr/time_text.h"

namespace weir::expr {

namespace {

using Text = std::string_view;

template <typename T>
T Same(T v) {
  return v;
}

Err IntFromUint(uint64_t v, int64_t* out) {
  *out = static_cast<int64_t>(v);
  return v > static_cast<uint64_t>(INT64_MAX) ? Err::kRange : Err::kOk;
}
Err IntFromDouble(double v, int64_t* out) {
  // The ends are excluded: they are what neighbouring, unrepresentable numbers round to.
  if (!(v > -0x1p63 && v < 0x1p63)) return Err::kRange;
  *out = static_cast<int64_t>(v);
  return Err::kOk;
}
template <typename T>
Err IntegerFromString(std::string_view text, T* out) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto result = std::from_chars(begin, end, *out);
  if (result.ec == std::errc::result_out_of_range) return Err::kRange;
  return result.ec == std::errc() && result.ptr == end ? Err::kOk : Err::kConversion;
}
int64_t IntFromTimestamp(int64_t ms) { return ms / 1000 - (ms % 1000 < 0 ? 1 : 0); }

Err UintFromInt(int64_t v, uint64_t* out) {
  *out = static_cast<uint64_t>(v);
  return v < 0 ? Err::kRange : Err::kOk;
}
Err UintFromDouble(double v, uint64_t* out) {
  if (!(v > -1 && v < 0x1p64)) return Err::kRange;
  *out = static_cast<uint64_t>(v);
  return Err::kOk;
}

double DoubleFromInt(int64_t v) { return static_cast<double>(v); }
double DoubleFromUint(uint64_t v) { return static_cast<double>(v); }
Err DoubleFromString(std::string_view text, double* out) {
  // The names that string() writes, and no other spelling that a library might take.
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") {
    *out = text == "NaN" ? std::nan("") : text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    return Err::kOk;
  }
  if (text.find_first_not_of("0123456789.eE+-") != Text::npos) return Err::kConversion;
  const auto result = absl::from_chars(text.data(), text.data() + text.size(), *out);
  // Too small a number is zero; too large a one has no value.
  if (result.ec == std::errc::result_out_of_range && std::fabs(*out) > 1) return Err::kRange;
  if (result.ec == std::errc::invalid_argument || result.ptr != text.data() + text.size()) {
    return Err::kConversion;
  }
  return Err::kOk;
}

template <typename T>
Err StringFromNumber(Scratch& scratch, T v, std::string_view* out) {
  char digits[40];
  const auto result = std::to_chars(digits, digits + sizeof digits, v);
  *out = scratch.arena.Copy({digits, static_cast<size_t>(result.ptr - digits)});
  return Err::kOk;
}
Err StringFromDouble(Scratch& scratch, double v, std::string_view* out) {
  if (std::isnan(v)) {
    *out = "NaN";
    return Err::kOk;
  }
  if (std::isinf(v)) {
    *out = v > 0 ? "Infinity" : "-Infinity";
    return Err::kOk;
  }
  return StringFromNumber(scratch, v, out);
}
Err StringFromBytes(std::string_view v, std::string_view* out) {
  *out = v;
  return IsValidUtf8(v) ? Err::kOk : Err::kConversion;
}
std::string_view StringFromBool(bool v) { return v ? "true" : "false"; }
Err StringFromTimestamp(Scratch& scratch, int64_t ms, std::string_view* out) {
  if (const Err err = CheckTimestamp(ms); err != Err::kOk) return err;
  *out = scratch.arena.Copy(FormatTimestamp(ms));
  return Err::kOk;
}
Err StringFromDuration(Scratch& scratch, int64_t ms, std::string_view* out) {
  *out = scratch.arena.Copy(FormatDuration(ms));
  return Err::kOk;
}

Err BoolFromString(std::string_view text, bool* out) {
  for (const std::string_view yes : {"1", "t", "true", "TRUE", "True"}) {
    if (text == yes) {
      *out = true;
      return Err::kOk;
    }
  }
  for (const std::string_view no : {"0", "f", "false", "FALSE", "False"}) {
    if (text == no) {
      *out = false;
      return Err::kOk;
    }
  }
  return Err::kConversion;
}

Err TimestampFromInt(int64_t seconds, int64_t* ms) {
  if (__builtin_mul_overflow(seconds, int64_t{1000}, ms)) return Err::kTimestampRange;
  return CheckTimestamp(*ms);
}

}  // namespace

void AddConversionOverloads(OverloadList* out) {
  constexpr Kind kInt = Kind::kInt, kUint = Kind::kUint, kDouble = Kind::kDouble;
  constexpr Kind kBool = Kind::kBool, kString = Kind::kString, kBytes = Kind::kBytes;
  constexpr Kind kTime = Kind::kTimestamp, kDuration = Kind::kDuration;
  using F = FunctionId;
  const Overload all[] = {
      Global<Same<int64_t>, kInt, kInt>(F::kInt),
      Global<IntFromUint, kInt, kUint>(F::kInt),
      Global<IntFromDouble, kInt, kDouble>(F::kInt),
      Global<IntegerFromString<int64_t>, kInt, kString>(F::kInt),
      Global<IntFromTimestamp, kInt, kTime>(F::kInt),
      Global<Same<uint64_t>, kUint, kUint>(F::kUint),
      Global<UintFromInt, kUint, kInt>(F::kUint),
      Global<UintFromDouble, kUint, kDouble>(F::kUint),
      Global<IntegerFromString<uint64_t>, kUint, kString>(F::kUint),
      Global<Same<double>, kDouble, kDouble>(F::kDouble),
      Global<DoubleFromInt, kDouble, kInt>(F::kDouble),
      Global<DoubleFromUint, kDouble, kUint>(F::kDouble),
      Global<DoubleFromString, kDouble, kString>(F::kDouble),
      Global<Same<Text>, kString, kString>(F::kString),
      Global<StringFromNumber<int64_t>, kString, kInt>(F::kString),
      Global<StringFromNumber<uint64_t>, kString, kUint>(F::kString),
      Global<StringFromDouble, kString, kDouble>(F::kString),
      Global<StringFromBytes, kString, kBytes>(F::kString),
      Global<StringFromBool, kString, kBool>(F::kString),
      Global<StringFromTimestamp, kString, kTime>(F::kString),
      Global<StringFromDuration, kString, kDuration>(F::kString),
      Global<Same<Text>, kBytes, kBytes>(F::kBytes),
      Global<Same<Text>, kBytes, kString>(F::kBytes),
      Global<Same<bool>, kBool, kBool>(F::kBool),
      Global<BoolFromString, kBool, kString>(F::kBool),
      Global<Same<int64_t>, kTime, kTime>(F::kTimestamp),
      Global<ParseTimestamp, kTime, kString>(F::kTimestamp),
      Global<TimestampFromInt, kTime, kInt>(F::kTimestamp),
      Global<Same<int64_t>, kDuration, kDuration>(F::kDuration),
      Global<ParseDuration, kDuration, kString>(F::kDuration),
  };
  out->insert(out->end(), std::begin(all), std::end(all));
}

}  // namespace weir::expr
