#include "agent/service/audit_log.h"

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"

namespace weir {

AuditLog::AuditLog(const Clock* clock, std::unique_ptr<WritableFile> file)
    : clock_(clock), file_(std::move(file)) {}

StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(FileSystem* fs, const Clock* clock,
                                                   const std::string& path) {
  std::unique_ptr<WritableFile> file;
  if (!path.empty()) {
    StatusOr<std::unique_ptr<WritableFile>> opened = fs->OpenAppend(path);
    if (!opened.ok()) {
      return Err(ErrorCode::kConfigBadValue, absl::StrCat("cannot append to the audit log '", path,
                                                          "': ", opened.status().message()));
    }
    file = *std::move(opened);
  }
  return std::unique_ptr<AuditLog>(new AuditLog(clock, std::move(file)));
}

std::string AuditLog::Text(std::string_view text) {
  return absl::StrCat("\"", EscapeForLog(text.substr(0, 1024), true), "\"");
}

void AuditLog::Write(std::string_view event, const AgentRequest& request, const Fields& more) {
  std::string line =
      absl::StrCat("{\"time_ms\":", clock_->NowMs(), ",\"event\":\"", ToAbsl(event),
                   "\",\"request_id\":", Text(request.request_id), ",\"job\":", Text(request.job),
                   ",\"operator\":", Text(request.operator_uid), ",\"attempt\":", request.attempt);
  for (const auto& [name, value] : more) absl::StrAppend(&line, ",\"", ToAbsl(name), "\":", value);
  line += "}\n";
  file_.With([&](std::unique_ptr<WritableFile>* file) {
    if (*file == nullptr) return;
    const Status status = (*file)->Append(line);
    if (status.ok()) return;
    LogError("agent", absl::StrCat("the audit log ends here: ", FormatError(status)));
    file->reset();
  });
}

}  // namespace weir
