// A small set of operator types that plan and never run, for tests of engine/plan alone.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/core/registry.h"
#include "engine/plan/load.h"

namespace weir {

// filter {where}          stateless, passes rows on; outputs "" and "errors"
// count {key, where, window, limit, factor, as, mode, trace, labels}   keyed, adds a column
// rename {fields}         stateless, new schema
// join {key}              keyed, inputs of several schemas
// guard {key, where, mask, agent, on_error, password}   keyed, a control topic, three outputs
// sulk                    refuses without a reason
const Registry& TestRegistry();

struct LoadResult {
  StatusOr<LoadedPlan> loaded = absl::UnknownError("not loaded");
  std::string report;  // Diagnostics::Render
  Diagnostics diagnostics;
};

using Variables = std::map<std::string, std::string>;

LoadResult LoadText(const std::string& text, const std::vector<std::string>& overrides = {},
                    const Variables& variables = {}, const std::string& file = "job.yaml");

// A topology with one source "in" of {host: string, line: int64, ts: timestamp, ip: string?} and
// the given operators and sinks sections.
std::string SmallTopology(const std::string& rest, const std::string& job = "name: test");

}  // namespace weir
