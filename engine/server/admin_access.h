// Who may talk to the admin service (reliability.md S-5): on this machine's own addresses anybody
// unless a token is set, elsewhere only who shows it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/env.h"
#include "engine/base/status.h"
#include "engine/plan/settings.h"

namespace weir {

// Can "host:port" be reached from this machine only?
bool IsLoopback(std::string_view listen);

// The token that callers must show, "" if none is asked for. kAdminToken if the service would be
// open to other machines without one, or if the file is no good. Blocks.
StatusOr<std::string> ReadAdminToken(const AdminSettings& settings, const Env& env);

// The time it takes tells nothing about where they differ.
bool SameSecret(std::string_view a, std::string_view b);

// Where a running job writes the address of its admin service, below its checkpoints.
std::string AdminAddressFile(const std::string& checkpoints, const std::string& job);

}  // namespace weir
