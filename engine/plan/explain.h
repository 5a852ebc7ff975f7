// A plan as text for people (`weir explain`) and as graphs (`weir graph`). Secrets never appear.
#pragma once

#include <string>
#include <string_view>

#include "engine/plan/plan.h"

namespace weir {

// Tasks, chains, parallelism, keys, key groups, uids, state, topics, and where an agent is asked.
std::string ExplainPlan(const PhysicalPlan& plan);

std::string GraphDot(const PhysicalPlan& plan);      // Graphviz
std::string GraphMermaid(const PhysicalPlan& plan);  // as Markdown renderers draw it
std::string GraphJson(const PhysicalPlan& plan);     // { job, tasks: [...], edges: [...] }

// A URL without what may be a password: "kafka://user:pw@host" -> "kafka://***@host".
std::string ShowUrl(std::string_view url);

}  // namespace weir
