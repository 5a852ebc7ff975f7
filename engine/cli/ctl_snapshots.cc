// weirctl savepoint, checkpoint, stop, cancel.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/admin_errors.h"
#include "engine/cli/ctl.h"
#include "engine/cli/ctl_client.h"
#include "engine/cli/ctl_output.h"
#include "engine/server/admin_snapshots.h"
#include "weir/admin/v1/admin.pb.h"

namespace weir {
namespace {

namespace v1 = admin::v1;

// One line that changes in place on a terminal, a line for every change elsewhere.
class ProgressLine {
 public:
  ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { Clear(); }

  void Show(const v1::SnapshotProgress& p) {
    if (p.phase() == "done") return Clear();
    const std::string what = p.savepoint().empty()
                                 ? std::string("checkpoint")
                                 : absl::StrCat("savepoint '", p.savepoint(), "'");
    const std::string state = p.phase() == "snapshot"
                                  ? absl::StrCat(what, "  ", Bar(p), "  ", p.acknowledged(), "/",
                                                 p.subtasks(), " subtasks  ", ShowBytes(p.bytes()))
                                  : absl::StrCat(what, "  ", p.phase());
    if (terminal_) {
      std::cerr << "\r\x1b[K" << state << "  " << ShowDuration(p.elapsed_ms())
                << "  (Ctrl-C leaves it running)" << std::flush;
    } else if (state != shown_) {
      std::cerr << state << "\n";
    }
    shown_ = state;
  }

 private:
  static std::string Bar(const v1::SnapshotProgress& p) {
    constexpr int kWidth = 16;
    const int full = p.subtasks() == 0 ? 0 : kWidth * p.acknowledged() / p.subtasks();
    return std::string(full, '#') + std::string(kWidth - full, '.');
  }
  void Clear() {
    if (terminal_ && !shown_.empty()) std::cerr << "\r\x1b[K" << std::flush;
    shown_.clear();
  }

  bool terminal_;
  std::string shown_;
};

void PrintDamage(const v1::SnapshotInfo& info) {
  for (const v1::SnapshotFile& file : info.damaged()) {
    std::cerr << "damaged: " << file.path() << ": " << file.problem() << "\n";
  }
}

Status DamagedError(const v1::SnapshotInfo& info) {
  return Err(ErrorCode::kStateCorrupt,
             absl::StrCat(info.damaged_size(), " of ", info.files(), " files of ", info.path(),
                          " are damaged, the first is ", info.damaged(0).path()),
             "restore them from a copy, or use another savepoint");
}

// As a shell takes it for one word.
std::string ShellWord(const std::string& text) {
  const auto plain = [](char c) { return absl::ascii_isalnum(c) || std::strchr("/._-+", c); };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

void PrintDone(const v1::SnapshotProgress& done, const CtlArgs& args) {
  if (args.json()) {
    std::cout << MessageToJson(done) << "\n";
    return;
  }
  const v1::SnapshotInfo& info = done.result();
  std::cout << "completed in " << ShowDuration(done.elapsed_ms()) << "  "
            << (info.kind() == "savepoint" ? absl::StrCat("savepoint '", info.name(), "'")
                                           : absl::StrCat("checkpoint ", info.id()))
            << "  " << ShowBytes(info.bytes()) << " in " << info.files() << " files\n"
            << info.path() << "\n";
  if (info.kind() == "savepoint") {
    std::cout << "start from it:  weir run JOB.yaml --from-savepoint " << ShellWord(info.path())
              << "\n";
  }
}

template <typename Method, typename Request>
Status RunSnapshot(const CtlArgs& args, const Env& env, Method method, const Request& request) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  v1::SnapshotProgress last;
  {
    ProgressLine line;
    const CtlClient::OnSnapshot on = [&](const v1::SnapshotProgress& progress) {
      last = progress;
      line.Show(progress);
    };
    WEIR_RETURN_IF_ERROR((client.get()->*method)(request, on));
  }
  PrintDone(last, args);
  return absl::OkStatus();
}

SnapshotInspector Inspector(const JobFolder& folder, const Env& env) {
  return {env.fs, folder.root, folder.job};
}

bool IsUnreachable(const Status& status) {
  return ErrorNumber(status) == static_cast<int>(AdminError::kAdminUnreachable);
}

Status ListOffline(const CtlArgs& args, bool savepoints, const Env& env,
                   v1::ListSnapshotsReply* out) {
  WEIR_ASSIGN_OR_RETURN(const JobFolder folder, FindJobFolder(args, env));
  const SnapshotInspector inspector = Inspector(folder, env);
  WEIR_ASSIGN_OR_RETURN(
      const std::vector<SnapshotReport> reports,
      savepoints ? inspector.Savepoints(args.verify) : inspector.Checkpoints(args.verify));
  for (const SnapshotReport& report : reports) FillSnapshotInfo(report, out->add_snapshots());
  return absl::OkStatus();
}

// The job's word if it runs; else what its folder says, if that is on this machine.
Status ListAnywhere(const CtlArgs& args, bool savepoints, const Env& env,
                    v1::ListSnapshotsReply* out) {
  if (args.offline) return ListOffline(args, savepoints, env, out);
  auto client = CtlClient::Create(args, env);
  Status status = client.status();
  if (status.ok()) {
    v1::ListSnapshotsRequest request;
    request.set_savepoints(savepoints);
    request.set_verify(args.verify);
    status = (*client)->ListSnapshots(request, out);
  }
  if (!IsUnreachable(status) || !args.address.empty()) return status;
  const StatusOr<JobFolder> folder = FindJobFolder(args, env);
  if (!folder.ok()) return status;
  std::cerr << "weirctl: job '" << folder->job << "' does not answer; this is what its folder "
            << JoinPath(folder->root, folder->job) << " holds\n";
  return ListOffline(args, savepoints, env, out);
}

StatusOr<SnapshotReport> VerifyLocal(const CtlArgs& args, const Env& env) {
  if (args.name.find('/') != args.name.npos) {
    return SnapshotInspector(env.fs, "", "").Savepoint(args.name, true);
  }
  WEIR_ASSIGN_OR_RETURN(const JobFolder folder, FindJobFolder(args, env));
  return Inspector(folder, env).Savepoint(args.name, true);
}

Status VerifyAnywhere(const CtlArgs& args, const Env& env, v1::SnapshotInfo* out) {
  if (!args.offline && args.name.find('/') == args.name.npos) {
    auto client = CtlClient::Create(args, env);
    Status status = client.status();
    if (status.ok()) {
      v1::VerifySavepointRequest request;
      request.set_name(args.name);
      status = (*client)->VerifySavepoint(request, out);
    }
    const bool local = IsUnreachable(status) && args.address.empty();
    if (!local || !FindJobFolder(args, env).ok()) return status;
  }
  WEIR_ASSIGN_OR_RETURN(const SnapshotReport report, VerifyLocal(args, env));
  FillSnapshotInfo(report, out);
  return absl::OkStatus();
}

bool Confirm(const std::string& question) {
  std::cerr << question << " [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

}  // namespace

Status CtlSavepointCreate(const CtlArgs& args, const Env& env) {
  v1::CreateSavepointRequest request;
  request.set_name(args.name);
  return RunSnapshot(args, env, &CtlClient::CreateSavepoint, request);
}

Status CtlCheckpointTrigger(const CtlArgs& args, const Env& env) {
  return RunSnapshot(args, env, &CtlClient::TriggerCheckpoint, v1::TriggerCheckpointRequest());
}

Status CtlStop(const CtlArgs& args, const Env& env) {
  v1::StopRequest request;
  request.set_savepoint(args.name);
  return RunSnapshot(args, env, &CtlClient::Stop, request);
}

Status CtlSnapshotList(const CtlArgs& args, bool savepoints, const Env& env) {
  v1::ListSnapshotsReply reply;
  WEIR_RETURN_IF_ERROR(ListAnywhere(args, savepoints, env, &reply));
  if (args.json()) {
    std::cout << MessageToJson(reply) << "\n";
  } else {
    CtlTable table({savepoints ? "NAME" : "ID", "TAKEN", "SIZE", "FILES", "EPOCH", "STATE"});
    for (const v1::SnapshotInfo& info : reply.snapshots()) {
      table.Add({savepoints ? info.name() : absl::StrCat(info.id()), ShowTime(info.created_ms()),
                 ShowBytes(info.bytes()), absl::StrCat(info.files()), absl::StrCat(info.epoch()),
                 info.state()});
    }
    std::cout << table.Render();
  }
  for (const v1::SnapshotInfo& info : reply.snapshots()) PrintDamage(info);
  for (const v1::SnapshotInfo& info : reply.snapshots()) {
    if (info.damaged_size() > 0) return DamagedError(info);
  }
  return absl::OkStatus();
}

Status CtlSavepointVerify(const CtlArgs& args, const Env& env) {
  v1::SnapshotInfo info;
  WEIR_RETURN_IF_ERROR(VerifyAnywhere(args, env, &info));
  if (args.json()) {
    std::cout << MessageToJson(info) << "\n";
  } else if (info.damaged_size() == 0) {
    std::cout << info.name() << ": whole, " << info.files() << " files, " << ShowBytes(info.bytes())
              << ", job '" << info.job() << "', taken " << ShowTime(info.created_ms()) << "\n";
  }
  PrintDamage(info);
  return info.damaged_size() == 0 ? absl::OkStatus() : DamagedError(info);
}

Status CtlCancel(const CtlArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(auto client, CtlClient::Create(args, env));
  if (!args.yes && isatty(STDIN_FILENO) != 0) {
    v1::JobStatus status;
    WEIR_RETURN_IF_ERROR(client->GetStatus(&status));
    if (!Confirm(absl::StrCat("End job '", status.job(),
                              "' at once, without a last checkpoint? "
                              "(weirctl stop takes one.)"))) {
      return Err(AdminError::kAdminBadRequest, "not cancelled");
    }
  }
  WEIR_RETURN_IF_ERROR(client->Cancel());
  std::cout << (args.json() ? "{\"cancelled\":true}\n"
                            : "cancelled; the next start goes on from the last checkpoint\n");
  return absl::OkStatus();
}

}  // namespace weir
