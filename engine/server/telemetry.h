// What a running job shows over HTTP: /metrics, /healthz, /readyz.
#pragma once

#include <memory>

#include "engine/base/env.h"
#include "engine/plan/settings.h"
#include "engine/server/health.h"
#include "engine/server/http_server.h"

namespace weir {

// Serves what `metrics` and `health` say until the result is destroyed; both outlive it. Null if
// the job's settings ask for no endpoint. Logs the address, and writes it to the address file.
StatusOr<std::unique_ptr<HttpServer>> StartTelemetry(const JobSettings& job, const Env& env,
                                                     const MetricRegistry* metrics,
                                                     const Health* health);

}  // namespace weir
