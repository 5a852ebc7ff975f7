// What a person sees of a running job: a few numbers that say whether it is well, and what the
// agent loop saves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/metrics.h"

namespace weir {

struct JobSummary {
  bool has_ledger = false;  // what a job does not have is not shown to people
  bool has_agent_loop = false;
  int64_t events_in = 0;
  int64_t dead_letters = 0;
  int64_t duplicates = 0;
  int64_t answered_by_rule = 0;
  int64_t escalated = 0;
  int64_t agent_calls = 0;
  std::vector<std::pair<std::string, int64_t>> calls_avoided;  // by reason
  int64_t waiting = 0;
  int64_t rules_active = 0;
  int64_t fail_safe = 0;
  int64_t watermark_ms = INT64_MIN;
  int64_t checkpoints = 0;
  int64_t checkpoints_failed = 0;
  int64_t last_checkpoint_age_ms = -1;  // -1 = none yet
  int64_t restored_checkpoint = 0;
  double seconds = 0;
};

JobSummary Summarize(const MetricRegistry& metrics);

// Several aligned lines, for a terminal.
std::string RenderSummary(const JobSummary& s);
// One line, for a log.
std::string RenderSummaryLine(const JobSummary& s);
std::string SummaryToJson(const JobSummary& s);

// "2017-04-20 13:05:01" UTC, "-" for none.
std::string FormatTime(int64_t ms);

}  // namespace weir
