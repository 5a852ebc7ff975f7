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

// Thread-safe. Readers and writers may outlive it; `env` must outlive them. Writers are fenced by
// epoch within one client; two processes are kept apart by the job's lock.
std::unique_ptr<LogClient> NewDirectoryLog(const Env& env, std::string root);

// "dir:PATH" for the registry.
LogType DirectoryLogType();

}  // namespace weir
