// What a running job or agent shows over HTTP: /metrics, /healthz, /readyz.
#pragma once

#include <memory>
#include <string>

#include "engine/base/env.h"
#include "engine/plan/settings.h"
#include "engine/server/health.h"
#include "engine/server/http_server.h"

namespace weir {

// Serves what `metrics` and `health` say until the result is destroyed; both outlive it. Null if
// the settings ask for no endpoint. Logs the address, and writes it to the address file. `title` is
// what the page for persons calls the process.
StatusOr<std::unique_ptr<HttpServer>> StartTelemetry(const TelemetrySettings& settings,
                                                     const std::string& title, const Env& env,
                                                     const MetricRegistry* metrics,
                                                     const Health* health);

}  // namespace weir
