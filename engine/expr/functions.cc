#include "engine/expr/functions.h"

#include <algorithm>

namespace weir::expr {

namespace {

constexpr const char* kNames[] = {"",
                                  "!_",
                                  "-_",
                                  "_+_",
                                  "_-_",
                                  "_*_",
                                  "_/_",
                                  "_%_",
                                  "_<_",
                                  "_<=_",
                                  "_>_",
                                  "_>=_",
                                  "_==_",
                                  "_!=_",
                                  "@in",
                                  "_[_]",
                                  "_&&_",
                                  "_||_",
                                  "_?_:_",
                                  "dyn",
                                  "size",
                                  "contains",
                                  "startsWith",
                                  "endsWith",
                                  "matches",
                                  "int",
                                  "uint",
                                  "double",
                                  "string",
                                  "bytes",
                                  "bool",
                                  "timestamp",
                                  "duration",
                                  "getFullYear",
                                  "getMonth",
                                  "getDate",
                                  "getDayOfMonth",
                                  "getDayOfWeek",
                                  "getDayOfYear",
                                  "getHours",
                                  "getMinutes",
                                  "getSeconds",
                                  "getMilliseconds",
                                  "charAt",
                                  "indexOf",
                                  "lastIndexOf",
                                  "join",
                                  "lowerAscii",
                                  "upperAscii",
                                  "replace",
                                  "split",
                                  "substring",
                                  "trim"};
static_assert(std::size(kNames) == static_cast<size_t>(FunctionId::kCount));

// All overloads, those of one function together, and where each function's begin.
struct Table {
  OverloadList all;
  std::array<size_t, static_cast<size_t>(FunctionId::kCount) + 1> begin{};

  Table() {
    AddArithmeticOverloads(&all);
    AddComparisonOverloads(&all);
    AddConversionOverloads(&all);
    AddStringOverloads(&all);
    AddTimeOverloads(&all);
    std::stable_sort(all.begin(), all.end(),
                     [](const Overload& a, const Overload& b) { return a.function < b.function; });
    for (const Overload& overload : all) ++begin[static_cast<size_t>(overload.function) + 1];
    for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  }
};

const Table& GetTable() {
  static const Table table;
  return table;
}

}  // namespace

FunctionId FindFunction(std::string_view name) {
  for (size_t i = 1; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<FunctionId>(i);
  }
  return FunctionId::kNone;
}

const char* FunctionName(FunctionId id) { return kNames[static_cast<size_t>(id)]; }

const std::vector<std::string>& FunctionNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (size_t i = static_cast<size_t>(FunctionId::kDyn); i < std::size(kNames); ++i) {
      out.emplace_back(kNames[i]);
    }
    for (const char* macro : {"has", "exists", "exists_one", "all", "map", "filter"}) {
      out.emplace_back(macro);
    }
    return out;
  }();
  return names;
}

std::span<const Overload> Overloads(FunctionId id) {
  const Table& table = GetTable();
  const size_t i = static_cast<size_t>(id);
  return std::span(table.all).subspan(table.begin[i], table.begin[i + 1] - table.begin[i]);
}

Err CallDynamic(FunctionId id, Scratch& scratch, std::span<const Value> arguments, Value* out) {
  for (const Overload& overload : Overloads(id)) {
    if (overload.argument_count != static_cast<int>(arguments.size())) continue;
    size_t i = 0;
    while (i < arguments.size() && KindOf(arguments[i]) == overload.arguments[i]) ++i;
    if (i == arguments.size()) return overload.call(scratch, arguments.data(), out);
  }
  return Err::kNoOverload;
}

}  // namespace weir::expr
