// `--set a.b=c`: changes the tree before anything checks it, so an override is checked like the
// file.
//
//   job.parallelism=4                     a key in a table; missing tables are created
//   operators.guard.agent.capacity=10     an item of a list, by its `name`
//   sources.auth.topic="${TOPIC}"         the value is YAML, and may hold variables
#pragma once

#include <string>
#include <vector>

#include "engine/yaml/yaml.h"

namespace weir {

class Diagnostics;

// Applies them in order; a later one wins. Their marks are lines -1, -2, ... (see Diagnostics).
void ApplyOverrides(const std::vector<std::string>& overrides, Diagnostics* diagnostics,
                    YamlNode* root);

}  // namespace weir
