#include "engine/server/admin_status.h"

#include <algorithm>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "engine/base/metric_catalog.h"
#include "weir/admin/v1/admin.pb.h"

namespace weir {
namespace {

constexpr const char* kWatermark = "weir_operator_watermark_timestamp_seconds";

std::string LabelOf(const MetricSample& sample, std::string_view name) {
  for (const auto& [key, value] : sample.labels) {
    if (key == name) return value;
  }
  return "";
}

// "weir_agent_calls_avoided_total{reason=\"rule\"}": without the labels that are told otherwise.
std::string KeyOf(const MetricSample& sample) {
  std::string labels;
  for (const auto& [key, value] : sample.labels) {
    if (key == "job" || key == "operator" || key == "subtask" || key == "task") continue;
    absl::StrAppend(&labels, labels.empty() ? "" : ",", key, "=\"", value, "\"");
  }
  return labels.empty() ? sample.name : absl::StrCat(sample.name, "{", labels, "}");
}

struct OperatorFigures {
  std::map<std::string, int64_t> sums;
  int64_t in = 0, out = 0, read = 0;
  int64_t watermark = std::numeric_limits<int64_t>::max();  // smallest that is known
  int subtasks_with_time = 0;
};

void Take(const MetricSample& sample, OperatorFigures* f) {
  if (sample.kind == MetricSample::Kind::kHistogram) return;
  if (sample.kind == MetricSample::Kind::kGauge && sample.value == kUnsetGauge) return;
  if (sample.name == kWatermark) {
    f->watermark = std::min(f->watermark, sample.value);
    ++f->subtasks_with_time;
    return;
  }
  f->sums[KeyOf(sample)] += sample.value;
  if (sample.name == "weir_operator_records_in_total") f->in += sample.value;
  if (sample.name == "weir_operator_records_out_total") f->out += sample.value;
  if (sample.name == "weir_source_records_total") f->read += sample.value;
}

void FillOperator(const LogicalNode& node, const OperatorFigures& f,
                  admin::v1::OperatorStatus* out) {
  const bool source = node.kind == NodeKind::kSource;
  out->set_name(node.name);
  out->set_type(source ? "source" : node.kind == NodeKind::kSink ? "sink" : node.type);
  out->set_uid(node.uid);
  out->set_parallelism(node.parallelism);
  out->set_records_in(source ? f.read : f.in);
  out->set_records_out(f.out);
  if (f.subtasks_with_time > 0) out->set_watermark_ms(f.watermark);
  for (const auto& [name, value] : f.sums) (*out->mutable_metrics())[name] = value;
}

void FillAgent(const std::vector<MetricSample>& samples, const MetricRegistry& metrics,
               admin::v1::AgentStatus* out) {
  out->set_events(metrics.Sum("weir_agent_events_total"));
  out->set_escalated(metrics.Sum("weir_agent_escalated_total"));
  out->set_calls(metrics.Sum("weir_agent_calls_total"));
  out->set_blocked(metrics.Sum("weir_agent_blocked_total"));
  out->set_decisions(metrics.Sum("weir_agent_decisions_total"));
  out->set_fail_safe(metrics.Sum("weir_agent_failsafe_total"));
  out->set_waiting(metrics.Sum("weir_agent_waiting"));
  out->set_disabled_passed(metrics.Sum("weir_agent_rule_disabled_passed_total"));
  // Every subtask has all rules.
  int64_t active = 0, disabled = 0;
  for (const MetricSample& sample : samples) {
    if (sample.name == "weir_agent_rules_active") active = std::max(active, sample.value);
    if (sample.name == "weir_agent_rules_disabled") disabled = std::max(disabled, sample.value);
  }
  out->set_rules_active(active);
  out->set_rules_disabled(disabled);
}

void FillCheckpoints(const AdminContext& context, admin::v1::CheckpointStatus* out) {
  const MetricRegistry& metrics = *context.job->metrics();
  out->set_completed(metrics.Sum("weir_checkpoints_completed_total"));
  out->set_failed(metrics.Sum("weir_checkpoints_failed_total"));
  out->set_bytes_written(metrics.Sum("weir_checkpoint_written_bytes_total"));
  out->set_last_id(context.job->last_checkpoint_id());
  out->set_last_completed_ms(context.job->last_checkpoint_ms());
  out->set_interval_ms(context.settings().checkpoints.interval_ms);
}

void FillHeader(const AdminContext& context, admin::v1::JobStatus* out) {
  const JobControl& job = *context.job;
  const JobSettings& settings = context.settings();
  const JobPhase phase = job.phase();
  out->set_job(settings.name);
  out->set_state(phase == JobPhase::kEnded      ? "ended"
                 : phase == JobPhase::kStopping ? "stopping"
                                                : "running");
  out->set_epoch(job.epoch());
  out->set_restored_checkpoint(job.restored_checkpoint());
  out->set_version(context.version);
  out->set_pid(context.pid);
  out->set_started_ms(context.started_ms);
  out->set_now_ms(context.env.clock->NowMs());
  out->set_parallelism(settings.parallelism);
  out->set_max_parallelism(settings.max_parallelism);
  out->set_tasks(job.plan().subtasks());
  out->set_checkpoint_dir(JoinPath(settings.checkpoints.directory(), settings.name));
}

}  // namespace

void FillJobStatus(const AdminContext& context, admin::v1::JobStatus* out) {
  MetricRegistry* metrics = context.job->metrics();
  const std::vector<MetricSample> samples = metrics->Collect();
  FillHeader(context, out);
  FillCheckpoints(context, out->mutable_checkpoints());
  FillAgent(samples, *metrics, out->mutable_agent());
  if (context.job->snapshot().id != 0) FillSnapshotInFlight(context, out->mutable_snapshot());

  std::map<std::string, OperatorFigures> figures;
  for (const MetricSample& sample : samples) {
    const std::string name = LabelOf(sample, "operator");
    if (!name.empty()) Take(sample, &figures[name]);
  }
  int64_t watermark = std::numeric_limits<int64_t>::max();
  for (const LogicalNode& node : context.job->plan().logical.nodes) {
    if (node.kind == NodeKind::kControl) continue;
    const OperatorFigures& f = figures[node.name];
    FillOperator(node, f, out->add_operators());
    if (node.kind == NodeKind::kSource) watermark = std::min(watermark, f.watermark);
  }
  out->set_events_in(0);
  for (const admin::v1::OperatorStatus& op : out->operators()) {
    if (op.type() == "source") out->set_events_in(out->events_in() + op.records_in());
  }
  out->set_dead_letters(metrics->Sum("weir_source_dead_letters_total"));
  if (watermark != std::numeric_limits<int64_t>::max()) out->set_watermark_ms(watermark);
}

void FillSnapshotInFlight(const AdminContext& context, admin::v1::SnapshotProgress* out) {
  const SnapshotInFlight now = context.job->snapshot();
  if (now.id == 0) return;
  out->set_id(now.id);
  out->set_savepoint(now.savepoint);
  out->set_phase("snapshot");
  out->set_acknowledged(now.acknowledged);
  out->set_subtasks(now.tasks);
  out->set_bytes(now.bytes);
  out->set_elapsed_ms((context.env.clock->MonoNs() - now.started_mono_ns) / 1'000'000);
}

}  // namespace weir
