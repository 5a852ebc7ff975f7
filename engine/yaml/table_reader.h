// YAML tables -> Options, checked against an option table. Every problem is reported, not the
// first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/options.h"
#include "engine/model/types.h"
#include "engine/yaml/yaml.h"

namespace weir {

class Diagnostics;

// Reads `node` (a mapping; null counts as an empty one). `where` ends the messages: "in job", "in
// operator 'guard'". Keys in `also` belong to the caller. nullopt after any error.
std::optional<Options> ReadTable(const YamlNode& node, const std::vector<OptionDef>& defs,
                                 std::string_view where, const std::vector<std::string>& also,
                                 Diagnostics* diagnostics);

// Reads the value under def.name in the mapping `node`. nullopt if it is absent (an error only if
// it is required, and not among `meant`: see MeantKeys) or wrong.
std::optional<OptionValue> ReadKey(const YamlNode& node, const OptionDef& def,
                                   std::string_view where, const std::vector<std::string>& meant,
                                   Diagnostics* diagnostics);

// The schema behind a kSchema value; nullptr (with errors added) if a type text is wrong.
SchemaPtr ReadSchema(const YamlNode& node, Diagnostics* diagnostics);

// Adds kConfigUnknownKey for every child of `node` that is not in `known`.
void CheckKeys(const YamlNode& node, const std::vector<std::string>& known, std::string_view where,
               Diagnostics* diagnostics);

// The known keys that the unknown ones of `node` are near to: those are misspelled, not missing,
// and one error is enough for one mistake.
std::vector<std::string> MeantKeys(const YamlNode& node, const std::vector<std::string>& known);

// "did you mean 'x'?" or, with nothing near, "<label>: a, b, c"; "" if there are no candidates.
std::string SuggestName(std::string_view name, const std::vector<std::string>& candidates,
                        std::string_view label);

// Topology names: letters, digits, _ and -, not starting with a digit or -.
bool IsName(std::string_view name);

}  // namespace weir
