// Timestamps and durations: text forms, calendar, ranges. All in milliseconds; UTC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/expr/state.h"

namespace weir::expr {

// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z, and 10,000 years, as the CEL specification.
inline constexpr int64_t kMinTimestampMs = -62'135'596'800'000;
inline constexpr int64_t kMaxTimestampMs = 253'402'300'799'999;
inline constexpr int64_t kMaxDurationMs = 315'576'000'000'000;

struct Civil {
  int64_t year;
  int month, day;   // 1-based
  int day_of_year;  // 0-based
  int day_of_week;  // 0 = Sunday
  int hour, minute, second, millisecond;
};
Civil ToCivil(int64_t ms);

// RFC 3339; finer than a millisecond is cut off.
Err ParseTimestamp(std::string_view text, int64_t* ms);
std::string FormatTimestamp(int64_t ms);
// "1h30m", "-1.5s", "250ms"; finer than a millisecond is cut off.
Err ParseDuration(std::string_view text, int64_t* ms);
std::string FormatDuration(int64_t ms);  // "90.5s"
// "UTC", "+02:00", "-09:30", "02:00".
Err ParseTimeZone(std::string_view text, int64_t* offset_ms);

inline Err CheckTimestamp(int64_t ms) {
  return ms < kMinTimestampMs || ms > kMaxTimestampMs ? Err::kTimestampRange : Err::kOk;
}
inline Err CheckDuration(int64_t ms) {
  return ms < -kMaxDurationMs || ms > kMaxDurationMs ? Err::kDurationRange : Err::kOk;
}

}  // namespace weir::expr
