// Checks a JSON value against the part of JSON Schema that structured outputs are written in: type
// (one, or a list), enum, required, properties, additionalProperties: false, items, minimum,
// maximum.
#pragma once

#include <string>
#include <vector>

#include "engine/model/value.h"

namespace weir {

// What does not fit, each with its path ("rules[0].action: ..."), at most eight; empty = it fits.
// No message repeats more than a few characters of the value.
std::vector<std::string> CheckAgainstSchema(const Value& schema, const Value& value);

}  // namespace weir
