// The directory log: the Log contract on a folder of files (DESIGN section 6).
//
//   std::unique_ptr<LogClient> log = NewDirectoryLog(env, "/var/lib/weir/log");
#pragma once

#include <memory>
#include <string>

#include "engine/base/env.h"
#include "engine/core/log_client.h"
#include "engine/core/registry.h"

namespace weir {

// Thread-safe. Readers and writers may outlive it, but writers fail from then on; `env` must
// outlive them. Writers are fenced by epoch within one client; a topic that one client prepares,
// writes or deletes is locked until that client's end, and others get kStateLocked. Readers take no
// lock.
std::unique_ptr<LogClient> NewDirectoryLog(const Env& env, std::string root);

// "dir:PATH" for the registry.
LogType DirectoryLogType();

}  // namespace weir
