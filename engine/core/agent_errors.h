// What an agent channel's error means to the loop that asked.
#pragma once

#include "engine/base/status.h"

namespace weir {

// Marks an error that another attempt cannot mend in time: the fail-safe applies at once. Keeps
// number, message and hint.
Status NoFurtherAttempt(Status status);
// Unavailable or retriable, and not marked.
bool IsWorthAnotherAttempt(const Status& status);

}  // namespace weir
