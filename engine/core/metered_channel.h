// An agent channel that counts for itself, beside what the agent loop counts.
#pragma once

#include <string>

#include "engine/base/metrics.h"
#include "engine/core/agent_channel.h"

namespace weir {

class MeteredAgentChannel : public AgentChannel {
 public:
  // Called once, before the first Decide, by the job that made the channel (one channel for each
  // endpoint text; its operators share it). `metrics` outlives the channel; `job` is a label.
  virtual void UseMetrics(MetricRegistry* metrics, const std::string& job) = 0;
};

}  // namespace weir
