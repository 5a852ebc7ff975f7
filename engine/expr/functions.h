// The table of functions and operators: names, overloads by argument kinds, and for each overload
// the scalar function that both the typed kernels and the dynamic calls are made of. One definition
// per overload, in overloads_*.cc.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/expr/cel_type.h"
#include "engine/expr/state.h"

namespace weir::expr {

enum class FunctionId : uint8_t {
  kNone,
  // Operators.
  kNot,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  // Generic in their types; the checker and the builder know them one by one.
  kEqual,
  kNotEqual,
  kIn,
  kIndex,
  kAnd,
  kOr,
  kConditional,
  kDyn,
  // Functions.
  kSize,
  kContains,
  kStartsWith,
  kEndsWith,
  kMatches,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kBool,
  kTimestamp,
  kDuration,
  kGetFullYear,
  kGetMonth,
  kGetDate,
  kGetDayOfMonth,
  kGetDayOfWeek,
  kGetDayOfYear,
  kGetHours,
  kGetMinutes,
  kGetSeconds,
  kGetMilliseconds,
  kCharAt,
  kIndexOf,
  kLastIndexOf,
  kJoin,
  kLowerAscii,
  kUpperAscii,
  kReplace,
  kSplit,
  kSubstring,
  kTrim,
  kCount
};

class Node;
using NodePtr = std::unique_ptr<Node>;
inline constexpr int kMaxArguments = 4;

struct Overload {
  FunctionId function;
  bool global;  // may be called f(x, y)
  bool member;  // may be called x.f(y)
  Kind result;
  int argument_count;
  std::array<Kind, kMaxArguments> arguments;
  // On values whose kinds are exactly `arguments`.
  Err (*call)(Scratch& scratch, const Value* arguments, Value* out);
  // A vector node; arguments' kinds are exactly `arguments`.
  NodePtr (*make)(int node_id, std::vector<NodePtr> arguments);
};

// kNone if no function has this name. Operators are named "_+_", "-_", "_[_]", ...
FunctionId FindFunction(std::string_view name);
const char* FunctionName(FunctionId id);
// Names that a person may write, for "did you mean".
const std::vector<std::string>& FunctionNames();
std::span<const Overload> Overloads(FunctionId id);

// Calls the overload that fits the values at run time; kNoOverload if there is none.
Err CallDynamic(FunctionId id, Scratch& scratch, std::span<const Value> arguments, Value* out);

// What the overloads_*.cc files contribute to the table.
using OverloadList = std::vector<Overload>;
void AddArithmeticOverloads(OverloadList* out);
void AddComparisonOverloads(OverloadList* out);
void AddConversionOverloads(OverloadList* out);
void AddStringOverloads(OverloadList* out);
void AddTimeOverloads(OverloadList* out);

}  // namespace weir::expr
