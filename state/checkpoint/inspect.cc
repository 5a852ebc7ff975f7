#include "state/checkpoint/inspect.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/hash.h"
#include "state/checkpoint/framing.h"
#include "state/checkpoint/layout.h"
#include "state/checkpoint/manifest.h"
#include "state/checkpoint/retention.h"
#include "state/checkpoint/segment.h"

namespace weir {
namespace {

// Without the path in front of it, which the report gives beside it.
std::string ProblemOf(const Status& status, const std::string& path) {
  std::string text = FormatError(status);
  if (const size_t at = text.find(path + ": "); at != std::string::npos) {
    text.erase(at, path.size() + 2);
  }
  return text;
}

class Inspection {
 public:
  Inspection(FileSystem* fs, std::string segments, bool read_all)
      : fs_(fs), segments_(std::move(segments)), read_all_(read_all) {}

  // NotFound if there is no manifest.
  StatusOr<SnapshotReport> Run(const std::string& dir, bool savepoint) {
    report_.savepoint = savepoint;
    report_.path = dir;
    if (savepoint) report_.name = dir.substr(dir.rfind('/') + 1);
    const std::string path = CheckpointLayout::ManifestIn(dir);
    const StatusOr<std::string> file = fs_->ReadFile(path);
    if (absl::IsNotFound(file.status())) return file.status();
    Count(path, file.ok() ? static_cast<int64_t>(file->size()) : 0, file.status());
    if (!file.ok()) return report_;
    const StatusOr<Manifest> manifest = DecodeManifest(*file, path);
    if (manifest.ok()) {
      Take(*manifest);
    } else {
      Damage(path, static_cast<int64_t>(file->size()), manifest.status());
    }
    if (read_all_ && report_.damaged.empty()) report_.state = SnapshotReport::State::kWhole;
    return report_;
  }

 private:
  void Take(const Manifest& m) {
    report_.id = m.id;
    report_.job = m.job;
    report_.created_ms = m.created_ms;
    report_.epoch = m.epoch;
    report_.operators = static_cast<int>(m.operators.size());
    report_.max_parallelism = m.max_parallelism;
    std::set<std::string> seen;
    for (const SegmentRef& ref : SegmentsOf(m)) {
      if (!seen.insert(ref.sha256).second) continue;
      const std::string path = JoinPath(segments_, ref.sha256);
      Count(path, ref.bytes, read_all_ ? VerifySegmentFile(fs_, ref, path) : CheckSize(ref, path));
    }
  }

  Status CheckSize(const SegmentRef& ref, const std::string& path) {
    const StatusOr<uint64_t> size = fs_->FileSize(path);
    if (absl::IsNotFound(size.status())) return CorruptFile(path, "missing");
    if (!size.ok()) return size.status();
    if (static_cast<int64_t>(*size) == ref.bytes) return absl::OkStatus();
    return CorruptFile(path, absl::StrCat(*size, " bytes, expected ", ref.bytes));
  }

  void Count(const std::string& path, int64_t bytes, const Status& status) {
    ++report_.files;
    report_.bytes += bytes;
    if (!status.ok()) Damage(path, bytes, status);
  }

  void Damage(const std::string& path, int64_t bytes, const Status& status) {
    report_.state = SnapshotReport::State::kDamaged;
    report_.damaged.push_back({path, bytes, ProblemOf(status, path)});
  }

  FileSystem* fs_;
  std::string segments_;
  bool read_all_;
  SnapshotReport report_;
};

}  // namespace

StatusOr<std::vector<SnapshotReport>> SnapshotInspector::Checkpoints(bool read_all) const {
  const CheckpointLayout layout(root_, job_);
  WEIR_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ListCheckpoints(fs_, layout));
  std::vector<SnapshotReport> reports;
  for (const int64_t id : ids) {
    auto report =
        Inspection(fs_, layout.SharedDir(), read_all).Run(layout.CheckpointDir(id), false);
    if (absl::IsNotFound(report.status())) continue;
    if (!report.ok()) return report.status();
    // A running job may have removed it while its files were looked at.
    if (!report->damaged.empty() && !fs_->Exists(CheckpointLayout::ManifestIn(report->path))) {
      continue;
    }
    if (report->id == 0) report->id = id;
    reports.push_back(*std::move(report));
  }
  return reports;
}

StatusOr<std::vector<SnapshotReport>> SnapshotInspector::Savepoints(bool read_all) const {
  const CheckpointLayout layout(root_, job_);
  const auto names = fs_->List(layout.SavepointsDir());
  if (absl::IsNotFound(names.status())) return std::vector<SnapshotReport>();
  if (!names.ok()) return names.status();
  std::vector<SnapshotReport> reports;
  for (const std::string& name : *names) {
    const std::string dir = layout.SegmentDir(name);
    auto report = Inspection(fs_, dir, read_all).Run(dir, true);
    if (absl::IsNotFound(report.status())) continue;  // one that is being made, or never was
    if (!report.ok()) return report.status();
    reports.push_back(*std::move(report));
  }
  return reports;
}

StatusOr<SnapshotReport> SnapshotInspector::Savepoint(const std::string& name_or_path,
                                                      bool read_all) const {
  WEIR_RETURN_IF_ERROR(CheckpointLayout::CheckSavepointName(name_or_path));
  std::string dir = CheckpointLayout(root_, job_).SegmentDir(name_or_path);
  while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  auto report = Inspection(fs_, dir, read_all).Run(dir, true);
  if (!absl::IsNotFound(report.status())) return report;
  return Err(ErrorCode::kStateNoCheckpoint,
             absl::StrCat("there is no savepoint in ", dir, ": it has no MANIFEST"),
             "see what there is: weirctl savepoint list");
}

Status VerifySegmentFile(FileSystem* fs, const SegmentRef& ref, const std::string& path) {
  const StatusOr<std::string> file = fs->ReadFile(path);
  if (absl::IsNotFound(file.status())) return CorruptFile(path, "missing segment");
  if (!file.ok()) return file.status();
  uint32_t crc = 0;
  WEIR_RETURN_IF_ERROR(OpenFrame(kSegmentFormat, *file, path, &crc).status());
  if (crc != ref.crc32c || static_cast<int64_t>(file->size()) != ref.bytes) {
    return CorruptFile(path, "whole, but not the segment that the manifest names");
  }
  if (HexEncode(Sha256(*file)) != ref.sha256) {
    return CorruptFile(path, "content does not have the hash that is its name");
  }
  return ForEachSegmentRecord(
      std::string_view(*file).substr(kFrameBytes), path,
      [](const SealedTable&, const StateRecord&) { return absl::OkStatus(); });
}

}  // namespace weir
