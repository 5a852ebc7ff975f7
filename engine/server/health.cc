#include "engine/server/health.h"

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

const char* PhaseName(HealthPhase phase) {
  switch (phase) {
    case HealthPhase::kStarting:
      return "starting";
    case HealthPhase::kRunning:
      return "running";
    case HealthPhase::kStopping:
      return "stopping";
    case HealthPhase::kEnded:
      return "ended";
    case HealthPhase::kFailed:
      return "failed";
  }
  return "?";
}

}  // namespace

Health::Health(const std::string& job, MetricRegistry* metrics)
    : ready_(metrics->GetGauge("weir_job_ready", {{"job", job}})) {}

void Health::Set(HealthPhase phase, const std::string& detail) {
  state_.With([&](State* state) {
    state->phase = phase;
    state->detail = detail;
    ready_->Set(phase == HealthPhase::kRunning ? 1 : 0);
  });
}

Health::Report Health::Now() const {
  return state_.With([](const State* state) {
    Report report;
    report.alive = state->phase != HealthPhase::kFailed;
    report.ready = state->phase == HealthPhase::kRunning;
    report.text = PhaseName(state->phase);
    if (!state->detail.empty()) absl::StrAppend(&report.text, ": ", state->detail);
    return report;
  });
}

}  // namespace weir
