#include "engine/server/admin_snapshots.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/admin_errors.h"
#include "engine/base/guarded.h"
#include "engine/base/notification.h"
#include "engine/server/admin_status.h"
#include "weir/admin/v1/admin.pb.h"

namespace weir {
namespace {

constexpr int64_t kProgressEveryMs = 100;
constexpr size_t kMaxNameLength = 100;

SnapshotInspector InspectorOf(const AdminContext& context) {
  const JobSettings& settings = context.settings();
  return {context.env.fs, settings.checkpoints.directory(), settings.name};
}

// How a request ends, told by the job's slot to whoever waits for it.
struct Outcome {
  Notification done;
  Guarded<std::pair<int64_t, Status>> result;
};

JobControl::SnapshotDone TellTo(const std::shared_ptr<Outcome>& outcome) {
  return [outcome](int64_t id, Status status) {
    outcome->result.With([&](auto* result) { *result = {id, std::move(status)}; });
    outcome->done.Notify();
  };
}

admin::v1::SnapshotProgress ProgressOf(const AdminContext& context, const std::string& savepoint,
                                       const char* otherwise, int64_t since_ns) {
  admin::v1::SnapshotProgress progress;
  progress.set_savepoint(savepoint);
  progress.set_phase(otherwise);
  if (context.job->snapshot().savepoint == savepoint) FillSnapshotInFlight(context, &progress);
  progress.set_elapsed_ms((context.env.clock->MonoNs() - since_ns) / 1'000'000);
  return progress;
}

Status SendResult(const AdminContext& context, const std::string& savepoint, int64_t id,
                  int64_t since_ns, const SendSnapshotProgress& send) {
  admin::v1::SnapshotProgress progress;
  progress.set_id(id);
  progress.set_savepoint(savepoint);
  progress.set_phase("done");
  progress.set_subtasks(context.job->plan().subtasks());
  progress.set_acknowledged(progress.subtasks());
  progress.set_elapsed_ms((context.env.clock->MonoNs() - since_ns) / 1'000'000);
  if (!savepoint.empty()) {
    WEIR_ASSIGN_OR_RETURN(const SnapshotReport report,
                          InspectorOf(context).Savepoint(savepoint, false));
    FillSnapshotInfo(report, progress.mutable_result());
  } else {
    WEIR_ASSIGN_OR_RETURN(const std::vector<SnapshotReport> reports,
                          InspectorOf(context).Checkpoints(false));
    for (const SnapshotReport& report : reports) {
      if (report.id == id) FillSnapshotInfo(report, progress.mutable_result());
    }
  }
  (void)send(progress);
  return absl::OkStatus();
}

Status WaitFor(const AdminContext& context, const std::string& savepoint,
               const std::shared_ptr<Outcome>& outcome, const SendSnapshotProgress& send) {
  const int64_t start_ns = context.env.clock->MonoNs();
  while (!outcome->done.WaitForMs(kProgressEveryMs)) {
    if (context.job->done() && !outcome->done.WaitForMs(kProgressEveryMs)) {
      return Err(AdminError::kAdminCancelled, "the job ended before the snapshot was complete",
                 "see the job's log; its last complete checkpoint stands");
    }
    if (!send(ProgressOf(context, savepoint, "queued", start_ns))) {
      return Err(AdminError::kAdminCancelled, "nobody waits for the snapshot; it goes on");
    }
  }
  const auto [id, status] = outcome->result.With([](auto* result) { return *result; });
  WEIR_RETURN_IF_ERROR(status);
  return SendResult(context, savepoint, id, start_ns, send);
}

Status CheckRunning(const AdminContext& context) {
  if (context.job->phase() == JobPhase::kRunning) return absl::OkStatus();
  return Err(AdminError::kAdminBadRequest, "the job is stopping",
             "wait for its end: it leaves a last checkpoint behind");
}

Status CheckFreeName(const AdminContext& context, const std::string& name) {
  WEIR_RETURN_IF_ERROR(CheckNewSavepointName(name));
  const auto there = InspectorOf(context).Savepoint(name, false);
  if (!there.ok()) return absl::OkStatus();
  return Err(AdminError::kAdminBadRequest, absl::StrCat("savepoint '", name, "' exists already"),
             "choose another name; a savepoint is never overwritten");
}

}  // namespace

Status CheckNewSavepointName(const std::string& name) {
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
  if (clean && !name.empty() && name.size() <= kMaxNameLength && name[0] != '.' && name[0] != '-') {
    return absl::OkStatus();
  }
  return Err(AdminError::kAdminBadRequest, absl::StrCat("'", name, "' cannot name a savepoint"),
             "letters, digits, '.', '_' and '-', at most 100, first a letter or digit");
}

Status RunCheckpoint(const AdminContext& context, const SendSnapshotProgress& send) {
  WEIR_RETURN_IF_ERROR(CheckRunning(context));
  auto outcome = std::make_shared<Outcome>();
  context.job->RequestCheckpoint(TellTo(outcome));
  return WaitFor(context, "", outcome, send);
}

Status RunSavepoint(const AdminContext& context, const std::string& name,
                    const SendSnapshotProgress& send) {
  WEIR_RETURN_IF_ERROR(CheckRunning(context));
  WEIR_RETURN_IF_ERROR(CheckFreeName(context, name));
  auto outcome = std::make_shared<Outcome>();
  context.job->RequestSavepoint(name, TellTo(outcome));
  return WaitFor(context, name, outcome, send);
}

Status RunStop(const AdminContext& context, const StopOptions& options,
               const SendSnapshotProgress& send) {
  WEIR_RETURN_IF_ERROR(CheckRunning(context));
  if (!options.savepoint.empty()) WEIR_RETURN_IF_ERROR(CheckFreeName(context, options.savepoint));
  const int64_t start_ns = context.env.clock->MonoNs();
  context.job->RequestStop(options);
  bool listens = true;
  while (!context.job->WaitForMs(kProgressEveryMs)) {
    listens = listens && send(ProgressOf(context, options.savepoint, "draining", start_ns));
    if (!listens) return Err(AdminError::kAdminCancelled, "nobody waits for the end; it goes on");
  }
  WEIR_RETURN_IF_ERROR(context.job->status());
  return SendResult(context, options.savepoint, context.job->last_checkpoint_id(), start_ns, send);
}

Status ListSnapshots(const AdminContext& context, bool savepoints, bool read_all,
                     admin::v1::ListSnapshotsReply* out) {
  const SnapshotInspector inspector = InspectorOf(context);
  WEIR_ASSIGN_OR_RETURN(
      const std::vector<SnapshotReport> reports,
      savepoints ? inspector.Savepoints(read_all) : inspector.Checkpoints(read_all));
  for (const SnapshotReport& report : reports) FillSnapshotInfo(report, out->add_snapshots());
  return absl::OkStatus();
}

Status VerifySavepoint(const AdminContext& context, const std::string& name,
                       admin::v1::SnapshotInfo* out) {
  WEIR_RETURN_IF_ERROR(CheckNewSavepointName(name));
  WEIR_ASSIGN_OR_RETURN(const SnapshotReport report, InspectorOf(context).Savepoint(name, true));
  FillSnapshotInfo(report, out);
  return absl::OkStatus();
}

void FillSnapshotInfo(const SnapshotReport& report, admin::v1::SnapshotInfo* out) {
  out->set_kind(report.savepoint ? "savepoint" : "checkpoint");
  out->set_id(report.id);
  out->set_name(report.name);
  out->set_path(report.path);
  out->set_job(report.job);
  out->set_created_ms(report.created_ms);
  out->set_epoch(report.epoch);
  out->set_bytes(report.bytes);
  out->set_files(report.files);
  out->set_operators(report.operators);
  out->set_max_parallelism(report.max_parallelism);
  out->set_state(report.state == SnapshotReport::State::kWhole     ? "whole"
                 : report.state == SnapshotReport::State::kPresent ? "present"
                                                                   : "damaged");
  for (const SnapshotReport::File& file : report.damaged) {
    admin::v1::SnapshotFile* damaged = out->add_damaged();
    damaged->set_path(file.path);
    damaged->set_bytes(file.bytes);
    damaged->set_problem(file.problem);
  }
}

}  // namespace weir
