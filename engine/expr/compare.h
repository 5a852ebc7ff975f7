// Order and equality of numbers across int, uint and double, exact even where a double cannot hold
// the integer.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>

namespace weir::expr {

inline std::partial_ordering CompareIntDouble(int64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= 0x1p63) return std::partial_ordering::less;
  if (b < -0x1p63) return std::partial_ordering::greater;
  const int64_t whole = static_cast<int64_t>(b);
  if (a != whole) return a <=> whole;
  return 0.0 <=> (b - static_cast<double>(whole));
}

inline std::partial_ordering CompareUintDouble(uint64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= 0x1p64) return std::partial_ordering::less;
  if (b < 0) return std::partial_ordering::greater;
  const uint64_t whole = static_cast<uint64_t>(b);
  if (a != whole) return a <=> whole;
  return 0.0 <=> (b - static_cast<double>(whole));
}

inline std::partial_ordering Reverse(std::partial_ordering order) { return 0 <=> order; }

inline std::partial_ordering Compare(int64_t a, int64_t b) { return a <=> b; }
inline std::partial_ordering Compare(uint64_t a, uint64_t b) { return a <=> b; }
inline std::partial_ordering Compare(double a, double b) { return a <=> b; }
inline std::partial_ordering Compare(int64_t a, uint64_t b) {
  return a < 0 ? std::partial_ordering::less : Compare(static_cast<uint64_t>(a), b);
}
inline std::partial_ordering Compare(uint64_t a, int64_t b) { return Reverse(Compare(b, a)); }
inline std::partial_ordering Compare(int64_t a, double b) { return CompareIntDouble(a, b); }
inline std::partial_ordering Compare(uint64_t a, double b) { return CompareUintDouble(a, b); }
inline std::partial_ordering Compare(double a, int64_t b) { return Reverse(Compare(b, a)); }
inline std::partial_ordering Compare(double a, uint64_t b) { return Reverse(Compare(b, a)); }

}  // namespace weir::expr
