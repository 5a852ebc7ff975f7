// Parts of timestamps, in UTC or at a fixed offset, and of durations.
#include "engine/expr/kernel.h"
#include "engine/expr/time_text.h"

namespace weir::expr {

namespace {

int64_t Year(const Civil& c) { return c.year; }
int64_t Month(const Civil& c) { return c.month - 1; }
int64_t Date(const Civil& c) { return c.day; }
int64_t DayOfMonth(const Civil& c) { return c.day - 1; }
int64_t DayOfWeek(const Civil& c) { return c.day_of_week; }
int64_t DayOfYear(const Civil& c) { return c.day_of_year; }
int64_t Hours(const Civil& c) { return c.hour; }
int64_t Minutes(const Civil& c) { return c.minute; }
int64_t Seconds(const Civil& c) { return c.second; }
int64_t Milliseconds(const Civil& c) { return c.millisecond; }

using PartOf = int64_t (*)(const Civil&);

template <PartOf Part>
int64_t InUtc(int64_t ms) {
  return Part(ToCivil(ms));
}
template <PartOf Part>
Err InZone(int64_t ms, std::string_view zone, int64_t* out) {
  int64_t offset = 0;
  if (const Err err = ParseTimeZone(zone, &offset); err != Err::kOk) return err;
  if (__builtin_add_overflow(ms, offset, &ms)) return Err::kTimestampRange;
  *out = Part(ToCivil(ms));
  return Err::kOk;
}

template <PartOf Part>
void AddPart(FunctionId id, OverloadList* out) {
  constexpr Kind kInt = Kind::kInt, kTime = Kind::kTimestamp;
  out->push_back(Member<InUtc<Part>, kInt, kTime>(id));
  out->push_back(Member<InZone<Part>, kInt, kTime, Kind::kString>(id));
}

// Whole hours, minutes and seconds of a duration, but its millisecond part: so the specification.
template <int64_t Unit>
int64_t Whole(int64_t ms) {
  return ms / Unit;
}
int64_t MillisecondPart(int64_t ms) { return ms % 1000; }

}  // namespace

void AddTimeOverloads(OverloadList* out) {
  using F = FunctionId;
  AddPart<Year>(F::kGetFullYear, out);
  AddPart<Month>(F::kGetMonth, out);
  AddPart<Date>(F::kGetDate, out);
  AddPart<DayOfMonth>(F::kGetDayOfMonth, out);
  AddPart<DayOfWeek>(F::kGetDayOfWeek, out);
  AddPart<DayOfYear>(F::kGetDayOfYear, out);
  AddPart<Hours>(F::kGetHours, out);
  AddPart<Minutes>(F::kGetMinutes, out);
  AddPart<Seconds>(F::kGetSeconds, out);
  AddPart<Milliseconds>(F::kGetMilliseconds, out);
  out->push_back(Member<Whole<3'600'000>, Kind::kInt, Kind::kDuration>(F::kGetHours));
  out->push_back(Member<Whole<60'000>, Kind::kInt, Kind::kDuration>(F::kGetMinutes));
  out->push_back(Member<Whole<1'000>, Kind::kInt, Kind::kDuration>(F::kGetSeconds));
  out->push_back(Member<MillisecondPart, Kind::kInt, Kind::kDuration>(F::kGetMilliseconds));
}

}  // namespace weir::expr
