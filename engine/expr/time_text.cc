#include "engine/expr/time_text.h"

#include <cstdio>

namespace weir::expr {

namespace {

constexpr int64_t kDayMs = 86'400'000;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

bool IsLeap(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

int DaysInMonth(int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && IsLeap(year) ? 1 : 0);
}

// Days from 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
int64_t DaysFromCivil(int64_t year, int month, int day) {
  const int64_t y = year - (month <= 2 ? 1 : 0);
  const int64_t era = FloorDiv(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// Reads text from the left.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool AtEnd() const { return at_ == text_.size(); }
  bool ok() const { return ok_; }
  std::string_view rest() const { return text_.substr(at_); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Accept(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  bool Accept(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }
  void Expect(char c) { ok_ = Accept(c) && ok_; }
  bool AtDigit() const { return Peek() >= '0' && Peek() <= '9'; }
  // Exactly `n` digits.
  int Digits(int n) {
    int v = 0;
    for (int i = 0; i < n; ++i) {
      if (!AtDigit()) {
        ok_ = false;
        return 0;
      }
      v = v * 10 + (text_[at_++] - '0');
    }
    return v;
  }
  // Any number of digits, saturating.
  int64_t Number() {
    constexpr int64_t kLargest = 100'000'000'000'000'000;
    int64_t v = 0;
    if (!AtDigit()) ok_ = false;
    while (AtDigit()) {
      const int digit = text_[at_++] - '0';
      if (v < kLargest) v = v * 10 + digit;
    }
    return v;
  }
  // The digits after a point as thousands: ".25" -> 250.
  int64_t Milliseconds() {
    int64_t v = 0;
    int64_t unit = 100;
    if (!AtDigit()) ok_ = false;
    for (; AtDigit(); ++at_, unit /= 10) v += (text_[at_] - '0') * unit;
    return v;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
  bool ok_ = true;
};

// "Z" or "+hh:mm"; false if it is malformed or no clock shows it.
bool ReadOffset(Reader* in, int64_t* offset_ms) {
  if (in->Accept('Z') || in->Accept('z')) return true;
  const bool negative = in->Accept('-');
  if (!negative) in->Expect('+');
  const int hours = in->Digits(2);
  in->Expect(':');
  const int minutes = in->Digits(2);
  *offset_ms = (negative ? -1 : 1) * (hours * 60 + minutes) * int64_t{60'000};
  return in->ok() && hours <= 23 && minutes <= 59;
}

struct DurationUnit {
  std::string_view name;
  int64_t ns;
};

const DurationUnit* ReadUnit(Reader* in) {
  // "ms" before "m": the longer name must be tried first.
  static constexpr DurationUnit kUnits[] = {{"h", 3'600'000'000'000},
                                            {"ms", 1'000'000},
                                            {"m", 60'000'000'000},
                                            {"s", 1'000'000'000},
                                            {"us", 1'000},
                                            {"\u00b5s", 1'000},
                                            {"ns", 1}};
  for (const DurationUnit& unit : kUnits) {
    if (in->Accept(unit.name)) return &unit;
  }
  return nullptr;
}

// One "1.5h" of a duration, in nanoseconds.
Err ReadDurationPart(Reader* in, __int128* ns) {
  const bool leading_point = in->Peek() == '.';
  const int64_t whole = leading_point ? 0 : in->Number();
  int64_t decimals = 0;
  int64_t scale = 1'000'000'000;
  if (in->Accept('.')) {
    if (leading_point && !in->AtDigit()) return Err::kConversion;
    while (in->AtDigit()) {
      const int digit = in->Digits(1);
      scale /= 10;
      decimals += digit * scale;
    }
  }
  const DurationUnit* unit = ReadUnit(in);
  if (!in->ok() || unit == nullptr) return Err::kConversion;
  *ns = static_cast<__int128>(whole) * unit->ns +
        static_cast<__int128>(decimals) * unit->ns / 1'000'000'000;
  return Err::kOk;
}

}  // namespace

Civil ToCivil(int64_t ms) {
  const int64_t days = FloorDiv(ms, kDayMs);
  const int rest = static_cast<int>(ms - days * kDayMs);
  const int64_t z = days + 719468;
  const int64_t era = FloorDiv(z, 146097);
  const int64_t doe = z - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int shifted_month = static_cast<int>((5 * doy + 2) / 153);
  Civil c;
  c.day = static_cast<int>(doy - (153 * shifted_month + 2) / 5 + 1);
  c.month = shifted_month + (shifted_month < 10 ? 3 : -9);
  c.year = yoe + era * 400 + (c.month <= 2 ? 1 : 0);
  c.day_of_year = static_cast<int>(days - DaysFromCivil(c.year, 1, 1));
  c.day_of_week = static_cast<int>(((days % 7) + 11) % 7);  // 1970-01-01 was a Thursday
  c.hour = rest / 3'600'000;
  c.minute = rest / 60'000 % 60;
  c.second = rest / 1000 % 60;
  c.millisecond = rest % 1000;
  return c;
}

Err ParseTimestamp(std::string_view text, int64_t* ms) {
  Reader in(text);
  const int year = in.Digits(4);
  in.Expect('-');
  const int month = in.Digits(2);
  in.Expect('-');
  const int day = in.Digits(2);
  if (!in.Accept('T') && !in.Accept('t')) return Err::kConversion;
  const int hour = in.Digits(2);
  in.Expect(':');
  const int minute = in.Digits(2);
  in.Expect(':');
  const int second = in.Digits(2);
  const int64_t fraction = in.Accept('.') ? in.Milliseconds() : 0;
  int64_t offset = 0;
  if (!ReadOffset(&in, &offset) || !in.AtEnd() || month < 1 || month > 12 || day < 1)
    return Err::kConversion;
  if (day > DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) {
    return Err::kConversion;
  }
  *ms = DaysFromCivil(year, month, day) * kDayMs +
        ((hour * int64_t{60} + minute) * 60 + second) * 1000 + fraction - offset;
  return CheckTimestamp(*ms);
}

std::string FormatTimestamp(int64_t ms) {
  const Civil c = ToCivil(ms);
  char out[64];
  std::snprintf(out, sizeof out, "%04lld-%02d-%02dT%02d:%02d:%02d", static_cast<long long>(c.year),
                c.month, c.day, c.hour, c.minute, c.second);
  std::string text = out;
  if (c.millisecond != 0) {
    std::snprintf(out, sizeof out, ".%03d", c.millisecond);
    text += out;
  }
  return text + "Z";
}

Err ParseDuration(std::string_view text, int64_t* ms) {
  *ms = 0;
  Reader in(text);
  const bool negative = in.Accept('-');
  if (!negative) in.Accept('+');
  if (in.rest() == "0") return Err::kOk;  // the only number without a unit
  __int128 total_ns = 0;
  do {
    __int128 ns = 0;
    if (const Err err = ReadDurationPart(&in, &ns); err != Err::kOk) return err;
    total_ns += ns;
    if (total_ns > static_cast<__int128>(kMaxDurationMs) * 1'000'000) return Err::kDurationRange;
  } while (!in.AtEnd());
  *ms = static_cast<int64_t>(total_ns / 1'000'000) * (negative ? -1 : 1);
  return Err::kOk;
}

std::string FormatDuration(int64_t ms) {
  const uint64_t magnitude = ms < 0 ? uint64_t{0} - static_cast<uint64_t>(ms) : ms;
  std::string out = (ms < 0 ? "-" : "") + std::to_string(magnitude / 1000);
  std::string decimals = std::to_string(1000 + magnitude % 1000).substr(1);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  if (!decimals.empty()) out += "." + decimals;
  return out + "s";
}

Err ParseTimeZone(std::string_view text, int64_t* offset_ms) {
  *offset_ms = 0;
  if (text == "UTC" || text == "Z") return Err::kOk;
  const std::string with_sign = !text.empty() && text[0] >= '0' && text[0] <= '9'
                                    ? "+" + std::string(text)
                                    : std::string(text);
  Reader in(with_sign);
  if (in.Peek() != '+' && in.Peek() != '-') return Err::kTimeZone;
  return ReadOffset(&in, offset_ms) && in.AtEnd() ? Err::kOk : Err::kTimeZone;
}

}  // namespace weir::expr
