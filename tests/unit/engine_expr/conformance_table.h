// Cases of the CEL specification: an expression over row 0 of testing::TwoRows() and what it gives.
#pragma once

#include <span>

namespace weir::testing {

struct Case {
  const char* expression;
  const char* expected;  // as testing::Evaluate
};

std::span<const Case> BasicCases();     // literals, arithmetic, comparison, logic
std::span<const Case> FunctionCases();  // conversions, strings, times
std::span<const Case> ValueCases();     // lists, maps, json, structs, macros
std::span<const Case> NullCases();      // over row 1, where everything nullable is null

}  // namespace weir::testing
