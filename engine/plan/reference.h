// Pages of the reference that are generated from the tables the engine itself reads.
#pragma once

#include <string>

#include "engine/core/registry.h"

namespace weir {

// docs/topology.md: every section, source, sink and operator with all options.
std::string OptionReference(const Registry& registry);

// docs/errors.md: every numbered error.
std::string ErrorReference();

// docs/metrics.md: every metric.
std::string MetricReference();

}  // namespace weir
