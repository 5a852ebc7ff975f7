// Finds a decision in the decision log, for people who ask why something was blocked.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/decision.h"
#include "engine/core/log_client.h"

namespace weir {

struct FoundDecision {
  Decision decision;
  int partition = 0;
  int64_t offset = 0;
};

// The decision whose request id is, or begins with, `prefix`: of several records of one id the
// first (DESIGN promise 4); nullopt if there is none. kAdminAmbiguous if the prefix fits several
// ids. Blocking: reads the log from its beginning, because a request id does not tell its
// partition; ends early, kAdminCancelled, once `cancelled` says so.
StatusOr<std::optional<FoundDecision>> FindDecision(LogClient* client, const std::string& topic,
                                                    std::string_view prefix,
                                                    const std::function<bool()>& cancelled);

}  // namespace weir
