#include "engine/cli/summary.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/metric_catalog.h"
#include "engine/model/record_batch.h"

namespace weir {
namespace {

const std::string* LabelOf(const MetricSample& sample, const std::string& name) {
  for (const auto& [key, value] : sample.labels) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string Grouped(int64_t n) {
  const std::string digits = absl::StrCat(n);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool first = i == (n < 0 ? 1u : 0u);
    if (i > 0 && !first && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string Avoided(const JobSummary& s) {
  std::string out;
  for (const auto& [reason, n] : s.calls_avoided) {
    if (n > 0) absl::StrAppend(&out, out.empty() ? "" : ", ", reason, " ", Grouped(n));
  }
  return out.empty() ? "none yet" : out;
}

std::string LastCheckpoint(const JobSummary& s) {
  if (s.last_checkpoint_age_ms < 0) return "none yet";
  return absl::StrFormat("%.1f s ago (%d done, %d failed)", s.last_checkpoint_age_ms / 1000.0,
                         s.checkpoints, s.checkpoints_failed);
}

void AppendAgentLoop(const JobSummary& s, std::string* out) {
  absl::StrAppendFormat(out, "  answered by rule    %s\n", Grouped(s.answered_by_rule));
  absl::StrAppendFormat(out, "  escalated           %s, waiting now %s\n", Grouped(s.escalated),
                        Grouped(s.waiting));
  absl::StrAppendFormat(out, "  agent calls         %s, fail-safe verdicts %s\n",
                        Grouped(s.agent_calls), Grouped(s.fail_safe));
  absl::StrAppendFormat(out, "  calls avoided       %s\n", Avoided(s));
  absl::StrAppendFormat(out, "  rules active        %s\n", Grouped(s.rules_active));
}

}  // namespace

JobSummary Summarize(const MetricRegistry& metrics) {
  JobSummary s;
  std::map<std::string, int64_t> avoided;
  int64_t watermark = INT64_MAX;
  for (const MetricSample& m : metrics.Collect()) {
    // A control source ("guard#topic") reads what the job wrote itself.
    const std::string* op = LabelOf(m, "operator");
    const bool control = op != nullptr && op->find('#') != std::string::npos;
    if (m.name == "weir_source_records_total" && !control) s.events_in += m.value;
    if (m.name == "weir_source_dead_letters_total") s.dead_letters += m.value;
    if (m.name == "weir_ledger_hits_total") s.has_ledger = true;
    if (m.name == "weir_agent_calls_total") s.has_agent_loop = true;
    if (m.name == "weir_ledger_hits_total") s.duplicates += m.value;
    if (m.name == "weir_agent_blocked_total") s.answered_by_rule += m.value;
    if (m.name == "weir_agent_escalated_total") s.escalated += m.value;
    if (m.name == "weir_agent_calls_total") s.agent_calls += m.value;
    if (m.name == "weir_agent_waiting") s.waiting += m.value;
    if (m.name == "weir_agent_failsafe_total") s.fail_safe += m.value;
    if (m.name == "weir_agent_rules_active") s.rules_active = std::max(s.rules_active, m.value);
    if (m.name == "weir_checkpoints_completed_total") s.checkpoints += m.value;
    if (m.name == "weir_checkpoints_failed_total") s.checkpoints_failed += m.value;
    if (m.name == "weir_agent_calls_avoided_total") {
      if (const std::string* reason = LabelOf(m, "reason")) avoided[*reason] += m.value;
    }
    // Operators only: the minimum over subtasks of what event time has reached everywhere.
    if (m.name == "weir_operator_watermark_timestamp_seconds" && m.value != kUnsetGauge) {
      watermark = std::min(watermark, m.value);
    }
  }
  if (watermark != INT64_MAX) s.watermark_ms = watermark;
  s.calls_avoided.assign(avoided.begin(), avoided.end());
  return s;
}

std::string FormatTime(int64_t ms) {
  if (ms == kNoTimestamp || ms == kMaxTimestamp) return "-";
  int64_t days = ms / 86'400'000, rest = ms % 86'400'000;
  if (rest < 0) rest += 86'400'000, --days;
  // Civil date from days since the epoch (Hinnant, "chrono-compatible low-level date algorithms").
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t doe = days - era * 146'097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return absl::StrFormat("%04d-%02d-%02d %02d:%02d:%02d", yoe + era * 400 + (month <= 2 ? 1 : 0),
                         month, doy - (153 * mp + 2) / 5 + 1, rest / 3'600'000, rest / 60'000 % 60,
                         rest / 1000 % 60);
}

std::string RenderSummary(const JobSummary& s) {
  const double rate = s.seconds > 0 ? static_cast<double>(s.events_in) / s.seconds : 0;
  std::string out;
  absl::StrAppendFormat(&out, "  events in           %s (%s/s), dead letters %s\n",
                        Grouped(s.events_in), Grouped(static_cast<int64_t>(rate)),
                        Grouped(s.dead_letters));
  if (s.has_ledger) {
    absl::StrAppendFormat(&out, "  duplicates dropped  %s\n", Grouped(s.duplicates));
  }
  if (s.has_agent_loop) AppendAgentLoop(s, &out);
  absl::StrAppendFormat(&out, "  watermark           %s\n", FormatTime(s.watermark_ms));
  absl::StrAppendFormat(&out, "  last checkpoint     %s\n", LastCheckpoint(s));
  return out;
}

std::string RenderSummaryLine(const JobSummary& s) {
  std::string out = absl::StrCat("in ", Grouped(s.events_in));
  if (s.has_ledger) absl::StrAppend(&out, ", duplicates ", Grouped(s.duplicates));
  if (s.has_agent_loop) {
    absl::StrAppend(&out, ", by rule ", Grouped(s.answered_by_rule), ", escalated ",
                    Grouped(s.escalated), ", calls ", Grouped(s.agent_calls), ", rules ",
                    Grouped(s.rules_active));
  }
  absl::StrAppend(&out, ", watermark ", FormatTime(s.watermark_ms), ", checkpoint ",
                  LastCheckpoint(s));
  return out;
}

std::string SummaryToJson(const JobSummary& s) {
  std::string out = absl::StrFormat(
      "{\"events_in\":%d,\"dead_letters\":%d,\"duplicates\":%d,\"answered_by_rule\":%d,"
      "\"escalated\":%d,\"agent_calls\":%d,\"fail_safe\":%d,\"rules_active\":%d,"
      "\"checkpoints\":%d,\"checkpoints_failed\":%d,\"restored_checkpoint\":%d,"
      "\"seconds\":%.3f,\"calls_avoided\":{",
      s.events_in, s.dead_letters, s.duplicates, s.answered_by_rule, s.escalated, s.agent_calls,
      s.fail_safe, s.rules_active, s.checkpoints, s.checkpoints_failed, s.restored_checkpoint,
      s.seconds);
  bool first = true;
  for (const auto& [reason, n] : s.calls_avoided) {
    absl::StrAppend(&out, first ? "" : ",", "\"", reason, "\":", n);
    first = false;
  }
  return out + "}}";
}

}  // namespace weir
