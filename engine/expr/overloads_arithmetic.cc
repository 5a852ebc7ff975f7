// + - * / % and the signs.
#include <cstdint>

#include "engine/expr/kernel.h"
#include "engine/expr/time_text.h"

namespace weir::expr {

namespace {

template <typename T>
Err Add(T a, T b, T* out) {
  return __builtin_add_overflow(a, b, out) ? Err::kIntegerOverflow : Err::kOk;
}
template <typename T>
Err Subtract(T a, T b, T* out) {
  return __builtin_sub_overflow(a, b, out) ? Err::kIntegerOverflow : Err::kOk;
}
template <typename T>
Err Multiply(T a, T b, T* out) {
  return __builtin_mul_overflow(a, b, out) ? Err::kIntegerOverflow : Err::kOk;
}
Err DivideInt(int64_t a, int64_t b, int64_t* out) {
  if (b == 0) return Err::kDivideByZero;
  if (b == -1) return Subtract(int64_t{0}, a, out);  // the machine's division traps on INT64_MIN
  *out = a / b;
  return Err::kOk;
}
Err DivideUint(uint64_t a, uint64_t b, uint64_t* out) {
  if (b == 0) return Err::kDivideByZero;
  *out = a / b;
  return Err::kOk;
}
Err ModuloInt(int64_t a, int64_t b, int64_t* out) {
  if (b == 0) return Err::kModulusByZero;
  if (b == -1) {
    // INT64_MIN % -1 is 0 in mathematics, and an overflow in the specification.
    *out = 0;
    return a == INT64_MIN ? Err::kIntegerOverflow : Err::kOk;
  }
  *out = a % b;
  return Err::kOk;
}
Err ModuloUint(uint64_t a, uint64_t b, uint64_t* out) {
  if (b == 0) return Err::kModulusByZero;
  *out = a % b;
  return Err::kOk;
}
Err NegateInt(int64_t a, int64_t* out) { return Subtract(int64_t{0}, a, out); }

double AddDouble(double a, double b) { return a + b; }
double SubtractDouble(double a, double b) { return a - b; }
double MultiplyDouble(double a, double b) { return a * b; }
double DivideDouble(double a, double b) { return a / b; }
double NegateDouble(double a) { return -a; }
bool Not(bool a) { return !a; }

Err AddTimestamp(int64_t a, int64_t b, int64_t* out) {
  // Columns may hold any int64, so the sum is checked before the range.
  if (__builtin_add_overflow(a, b, out)) return Err::kTimestampRange;
  return CheckTimestamp(*out);
}
Err SubtractFromTimestamp(int64_t a, int64_t b, int64_t* out) {
  if (__builtin_sub_overflow(a, b, out)) return Err::kTimestampRange;
  return CheckTimestamp(*out);
}
Err SubtractTimestamps(int64_t a, int64_t b, int64_t* out) {
  // The specification's conformance tests keep this difference within 64-bit nanoseconds.
  constexpr int64_t kLimit = INT64_MAX / 1'000'000;
  if (__builtin_sub_overflow(a, b, out)) return Err::kDurationRange;
  return *out > kLimit || *out < -kLimit ? Err::kDurationRange : Err::kOk;
}
Err AddDuration(int64_t a, int64_t b, int64_t* out) {
  if (__builtin_add_overflow(a, b, out)) return Err::kDurationRange;
  return CheckDuration(*out);
}
Err SubtractDuration(int64_t a, int64_t b, int64_t* out) {
  if (__builtin_sub_overflow(a, b, out)) return Err::kDurationRange;
  return CheckDuration(*out);
}

Err Concat(Scratch& scratch, std::string_view a, std::string_view b, std::string_view* out) {
  const size_t size = a.size() + b.size();
  if (size > kMaxStringBytes) return Err::kTooLarge;
  char* to = scratch.arena.Allocate(size);
  a.copy(to, a.size());
  b.copy(to + a.size(), b.size());
  *out = {to, size};
  return Err::kOk;
}

Err ConcatLists(const Value& a, const Value& b, Value* out) {
  if (a.list().size() + b.list().size() > kMaxListItems) return Err::kTooLarge;
  Value::List items = a.list();
  items.insert(items.end(), b.list().begin(), b.list().end());
  *out = Value::MakeList(std::move(items));
  return Err::kOk;
}

}  // namespace

void AddArithmeticOverloads(OverloadList* out) {
  constexpr Kind kInt = Kind::kInt, kUint = Kind::kUint, kDouble = Kind::kDouble;
  constexpr Kind kString = Kind::kString, kBytes = Kind::kBytes, kList = Kind::kList;
  constexpr Kind kTime = Kind::kTimestamp, kDuration = Kind::kDuration, kBool = Kind::kBool;
  using F = FunctionId;
  const Overload all[] = {
      Global<Not, kBool, kBool>(F::kNot),
      Global<NegateInt, kInt, kInt>(F::kNegate),
      Global<NegateDouble, kDouble, kDouble>(F::kNegate),
      Global<Add<int64_t>, kInt, kInt, kInt>(F::kAdd),
      Global<Add<uint64_t>, kUint, kUint, kUint>(F::kAdd),
      Global<AddDouble, kDouble, kDouble, kDouble>(F::kAdd),
      Global<Concat, kString, kString, kString>(F::kAdd),
      Global<Concat, kBytes, kBytes, kBytes>(F::kAdd),
      Global<ConcatLists, kList, kList, kList>(F::kAdd),
      Global<AddTimestamp, kTime, kTime, kDuration>(F::kAdd),
      Global<AddTimestamp, kTime, kDuration, kTime>(F::kAdd),
      Global<AddDuration, kDuration, kDuration, kDuration>(F::kAdd),
      Global<Subtract<int64_t>, kInt, kInt, kInt>(F::kSubtract),
      Global<Subtract<uint64_t>, kUint, kUint, kUint>(F::kSubtract),
      Global<SubtractDouble, kDouble, kDouble, kDouble>(F::kSubtract),
      Global<SubtractTimestamps, kDuration, kTime, kTime>(F::kSubtract),
      Global<SubtractFromTimestamp, kTime, kTime, kDuration>(F::kSubtract),
      Global<SubtractDuration, kDuration, kDuration, kDuration>(F::kSubtract),
      Global<Multiply<int64_t>, kInt, kInt, kInt>(F::kMultiply),
      Global<Multiply<uint64_t>, kUint, kUint, kUint>(F::kMultiply),
      Global<MultiplyDouble, kDouble, kDouble, kDouble>(F::kMultiply),
      Global<DivideInt, kInt, kInt, kInt>(F::kDivide),
      Global<DivideUint, kUint, kUint, kUint>(F::kDivide),
      Global<DivideDouble, kDouble, kDouble, kDouble>(F::kDivide),
      Global<ModuloInt, kInt, kInt, kInt>(F::kModulo),
      Global<ModuloUint, kUint, kUint, kUint>(F::kModulo),
  };
  out->insert(out->end(), std::begin(all), std::end(all));
}

}  // namespace weir::expr
