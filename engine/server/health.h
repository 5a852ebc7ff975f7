// Whether the job is alive and whether it takes records, as an orchestrator's probes ask.
#pragma once

#include <string>

#include "engine/base/guarded.h"
#include "engine/base/metrics.h"

namespace weir {

enum class HealthPhase {
  kStarting,  // restoring, or sources have not started
  kRunning,
  kStopping,  // draining to the last checkpoint
  kEnded,
  kFailed,
};

// Thread-safe. Told by the command that runs the job, so that nobody who asks can touch the job.
class Health {
 public:
  // Also keeps the gauge weir_job_ready, which must outlive this.
  Health(const std::string& job, MetricRegistry* metrics);
  // Keeps another gauge: of a process that is not a job.
  explicit Health(Gauge* ready) : ready_(ready) {}

  // `detail` is one line: why, or what is going on.
  void Set(HealthPhase phase, const std::string& detail);

  struct Report {
    bool alive;  // /healthz: the process is not to be restarted for its own good
    bool ready;  // /readyz: the job takes records
    std::string text;
  };
  Report Now() const;

 private:
  struct State {
    HealthPhase phase = HealthPhase::kStarting;
    std::string detail;
  };
  mutable Guarded<State> state_;
  Gauge* ready_;
};

}  // namespace weir
