// ${VARIABLES} inside scalars that are already parsed: a variable's value can never change the
// structure of the file.
//
//   ${NAME}            error if unset
//   ${NAME:-default}   the default if unset or empty; may hold further variables
//   ${NAME:?message}   error with this message if unset or empty
//   $${                a literal ${
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/yaml/yaml.h"

namespace weir {

class Diagnostics;

using VariableLookup = std::function<std::optional<std::string>(const std::string&)>;

// Resolves every scalar of the tree (values, not keys). Problems are kConfigVariable.
void ResolveVariables(const VariableLookup& lookup, Diagnostics* diagnostics, YamlNode* root);

}  // namespace weir
