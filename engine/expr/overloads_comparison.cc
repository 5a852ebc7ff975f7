// < <= > >=. Equality is not here: it takes null and any two kinds (equality.cc).
#include <type_traits>

#include "engine/expr/compare.h"
#include "engine/expr/kernel.h"

namespace weir::expr {

namespace {

struct Less {
  template <typename T>
  static bool Test(T a, T b) {
    return a < b;
  }
  static bool Test(std::partial_ordering order) { return order < 0; }
};
struct LessEqual {
  template <typename T>
  static bool Test(T a, T b) {
    return a <= b;
  }
  static bool Test(std::partial_ordering order) { return order <= 0; }
};
struct Greater {
  template <typename T>
  static bool Test(T a, T b) {
    return a > b;
  }
  static bool Test(std::partial_ordering order) { return order > 0; }
};
struct GreaterEqual {
  template <typename T>
  static bool Test(T a, T b) {
    return a >= b;
  }
  static bool Test(std::partial_ordering order) { return order >= 0; }
};

// Op is Less or its like. Types that the machine compares are compared directly, so that the
// loops over them vectorise.
template <typename Op, typename A, typename B>
bool Ordered(A a, B b) {
  if constexpr (std::is_same_v<A, B>) {
    return Op::Test(a, b);
  } else {
    return Op::Test(Compare(a, b));
  }
}

template <typename Op>
void AddOrder(FunctionId id, OverloadList* out) {
  constexpr Kind kInt = Kind::kInt, kUint = Kind::kUint, kDouble = Kind::kDouble;
  constexpr Kind kBool = Kind::kBool, kString = Kind::kString, kBytes = Kind::kBytes;
  constexpr Kind kTime = Kind::kTimestamp, kDuration = Kind::kDuration;
  using Text = std::string_view;
  const Overload all[] = {
      Global<Ordered<Op, int64_t, int64_t>, kBool, kInt, kInt>(id),
      Global<Ordered<Op, uint64_t, uint64_t>, kBool, kUint, kUint>(id),
      Global<Ordered<Op, double, double>, kBool, kDouble, kDouble>(id),
      Global<Ordered<Op, int64_t, uint64_t>, kBool, kInt, kUint>(id),
      Global<Ordered<Op, int64_t, double>, kBool, kInt, kDouble>(id),
      Global<Ordered<Op, uint64_t, int64_t>, kBool, kUint, kInt>(id),
      Global<Ordered<Op, uint64_t, double>, kBool, kUint, kDouble>(id),
      Global<Ordered<Op, double, int64_t>, kBool, kDouble, kInt>(id),
      Global<Ordered<Op, double, uint64_t>, kBool, kDouble, kUint>(id),
      Global<Ordered<Op, Text, Text>, kBool, kString, kString>(id),
      Global<Ordered<Op, Text, Text>, kBool, kBytes, kBytes>(id),
      Global<Ordered<Op, bool, bool>, kBool, kBool, kBool>(id),
      Global<Ordered<Op, int64_t, int64_t>, kBool, kTime, kTime>(id),
      Global<Ordered<Op, int64_t, int64_t>, kBool, kDuration, kDuration>(id),
  };
  out->insert(out->end(), std::begin(all), std::end(all));
}

}  // namespace

void AddComparisonOverloads(OverloadList* out) {
  AddOrder<Less>(FunctionId::kLess, out);
  AddOrder<LessEqual>(FunctionId::kLessEqual, out);
  AddOrder<Greater>(FunctionId::kGreater, out);
  AddOrder<GreaterEqual>(FunctionId::kGreaterEqual, out);
}

}  // namespace weir::expr
