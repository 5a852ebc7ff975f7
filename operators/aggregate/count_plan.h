// What planning sliding_count and running_count has in common: options key, where and as, and the
// output schema.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/core/registry.h"
#include "engine/model/key.h"

namespace weir {

struct CountPlan {
  SchemaPtr input, output;
  int event_time_field = -1;
  std::vector<std::string> key_fields;
  KeySelector key;
  std::string where;  // "" = every row counts
};

// nullopt after errors were added to the context.
std::optional<CountPlan> PlanCount(const OperatorPlanContext& context);

// The option table's part for key, where and as.
std::vector<OptionDef> CountOptions();

}  // namespace weir
