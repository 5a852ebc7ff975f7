#include "state/checkpoint/file_checkpoint_storage.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"
#include "engine/base/guarded.h"
#include "engine/base/hash.h"
#include "state/checkpoint/inspect.h"
#include "state/checkpoint/layout.h"
#include "state/checkpoint/manifest.h"
#include "state/checkpoint/retention.h"
#include "state/checkpoint/segment.h"

namespace weir {
namespace {

class FileCheckpointStorage : public CheckpointStorage {
 public:
  FileCheckpointStorage(const Env& env, const std::string& root, const std::string& job)
      : fs_(env.fs), clock_(env.clock), layout_(root, job), retention_(env, &layout_) {}

  StatusOr<int64_t> OpenEpoch() override;
  Status NoteSavepointStart(const SavepointStart& start) override;
  StatusOr<std::optional<SavepointStart>> NewestSavepointStart() override;
  StatusOr<SegmentRef> WriteSegment(SealedState state, const std::string& savepoint) override;
  Status ReadSegment(
      const SegmentRef& ref, const std::string& savepoint,
      const std::function<Status(const SealedTable&, const StateRecord&)>& fn) override;
  Status WriteManifest(const Manifest& manifest, const std::string& savepoint) override;
  StatusOr<std::vector<int64_t>> List() override;
  StatusOr<Manifest> ReadManifest(int64_t id) override;
  StatusOr<Manifest> ReadSavepoint(const std::string& name_or_path) override;
  Status Verify(const Manifest& manifest, const std::string& savepoint) override;
  Status Collect(int retain, int64_t grace_ms) override;
  Status DeleteAll() override;

 private:
  Status CreateNextEpoch(int64_t* epoch);
  Status StoreSegment(const std::string& dir, const SegmentRef& ref, const std::string& file);
  Status CheckNewSavepoint(const std::string& savepoint);
  Status CheckSegmentsExist(const Manifest& manifest, const std::string& dir);
  // The whole file, checked against its frame and against what the manifest says of it.
  StatusOr<std::string> ReadChecked(const SegmentRef& ref, const std::string& path);
  StatusOr<Manifest> ReadManifestFile(const std::string& path, const std::string& what);

  FileSystem* const fs_;
  const Clock* const clock_;
  const CheckpointLayout layout_;
  Retention retention_;
  Guarded<std::unique_ptr<FileLock>> lock_;
};

StatusOr<int64_t> FileCheckpointStorage::OpenEpoch() {
  WEIR_RETURN_IF_ERROR(fs_->CreateDirs(layout_.EpochDir()));
  int64_t epoch = 0;
  WEIR_RETURN_IF_ERROR(lock_.With([&](std::unique_ptr<FileLock>* lock) -> Status {
    if (*lock == nullptr) {
      WEIR_ASSIGN_OR_RETURN(*lock, fs_->Lock(layout_.LockFile()));
    }
    return CreateNextEpoch(&epoch);
  }));
  return epoch;
}

// The lock keeps other processes of this machine out; the exclusive creation also those of others.
Status FileCheckpointStorage::CreateNextEpoch(int64_t* epoch) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_->List(layout_.EpochDir()));
  *epoch = 0;
  for (const std::string& name : names) {
    *epoch = std::max(*epoch, CheckpointLayout::Number(name).value_or(0));
  }
  Status created;
  do {
    ++*epoch;
    created = fs_->CreateExclusive(JoinPath(layout_.EpochDir(), std::to_string(*epoch)),
                                   absl::StrCat(clock_->NowMs(), "\n"));
  } while (absl::IsAlreadyExists(created));
  return created;
}

Status FileCheckpointStorage::NoteSavepointStart(const SavepointStart& start) {
  return fs_->WriteFileAtomic(layout_.SavepointStartFile(),
                              absl::StrCat(start.epoch, " ", start.savepoint));
}

StatusOr<std::optional<SavepointStart>> FileCheckpointStorage::NewestSavepointStart() {
  const std::string path = layout_.SavepointStartFile();
  const StatusOr<std::string> text = fs_->ReadFile(path);
  if (absl::IsNotFound(text.status())) return std::optional<SavepointStart>();
  if (!text.ok()) return text.status();
  const size_t space = text->find(' ');
  const std::optional<int64_t> epoch = CheckpointLayout::Number(text->substr(0, space));
  if (space == std::string::npos || !epoch) return CorruptFile(path, "not \"EPOCH SAVEPOINT\"");
  return std::optional<SavepointStart>({*epoch, text->substr(space + 1)});
}

StatusOr<SegmentRef> FileCheckpointStorage::WriteSegment(SealedState state,
                                                         const std::string& savepoint) {
  if (!savepoint.empty()) WEIR_RETURN_IF_ERROR(CheckNewSavepoint(savepoint));
  SegmentRef ref;
  WEIR_ASSIGN_OR_RETURN(const std::string file, EncodeSegment(state, &ref.crc32c));
  const int64_t checkpoint = state.epoch;
  state = SealedState();  // it may be large, and so is the file
  ref.sha256 = HexEncode(Sha256(file));
  ref.bytes = static_cast<int64_t>(file.size());
  // From here on no Collect removes it; that must stand before we look whether it is there.
  if (savepoint.empty()) retention_.Protect(ref.sha256, checkpoint);
  WEIR_SIM_POINT("segment.write.before");
  WEIR_RETURN_IF_ERROR(StoreSegment(layout_.SegmentDir(savepoint), ref, file));
  WEIR_SIM_POINT("segment.write.after");
  return ref;
}

Status FileCheckpointStorage::StoreSegment(const std::string& dir, const SegmentRef& ref,
                                           const std::string& file) {
  WEIR_RETURN_IF_ERROR(fs_->CreateDirs(dir));
  const std::string path = JoinPath(dir, ref.sha256);
  const StatusOr<uint64_t> size = fs_->FileSize(path);
  // Its bytes are compared: a damaged file of that name would otherwise stay damaged for ever.
  if (size.ok() && *size == file.size() && fs_->ReadFile(path).value_or("") == file) {
    // Another thread may have renamed it into place a moment ago: its name must be durable for us.
    return fs_->SyncDir(dir);
  }
  return fs_->WriteFileAtomic(path, file);
}

Status FileCheckpointStorage::CheckNewSavepoint(const std::string& savepoint) {
  WEIR_RETURN_IF_ERROR(CheckpointLayout::CheckSavepointName(savepoint));
  const std::string manifest = CheckpointLayout::ManifestIn(layout_.SegmentDir(savepoint));
  if (!fs_->Exists(manifest)) return absl::OkStatus();
  return Err(ErrorCode::kStateIo, absl::StrCat("savepoint '", savepoint, "' exists already"),
             "choose another name");
}

StatusOr<std::string> FileCheckpointStorage::ReadChecked(const SegmentRef& ref,
                                                         const std::string& path) {
  StatusOr<std::string> file = fs_->ReadFile(path);
  if (absl::IsNotFound(file.status())) return CorruptFile(path, "missing segment");
  if (!file.ok()) return file.status();
  uint32_t crc = 0;
  WEIR_RETURN_IF_ERROR(OpenFrame(kSegmentFormat, *file, path, &crc).status());
  if (crc != ref.crc32c || static_cast<int64_t>(file->size()) != ref.bytes) {
    return CorruptFile(path, "whole, but not the segment that the manifest names");
  }
  return file;
}

Status FileCheckpointStorage::ReadSegment(
    const SegmentRef& ref, const std::string& savepoint,
    const std::function<Status(const SealedTable&, const StateRecord&)>& fn) {
  const std::string path = JoinPath(layout_.SegmentDir(savepoint), ref.sha256);
  WEIR_ASSIGN_OR_RETURN(const std::string file, ReadChecked(ref, path));
  return ForEachSegmentRecord(std::string_view(file).substr(kFrameBytes), path, fn);
}

Status FileCheckpointStorage::CheckSegmentsExist(const Manifest& manifest, const std::string& dir) {
  std::set<std::string> seen;
  for (const SegmentRef& ref : SegmentsOf(manifest)) {
    if (!seen.insert(ref.sha256).second) continue;
    const std::string path = JoinPath(dir, ref.sha256);
    const StatusOr<uint64_t> size = fs_->FileSize(path);
    if (!size.ok() || static_cast<int64_t>(*size) != ref.bytes) {
      return CorruptFile(path, absl::StrCat("checkpoint ", manifest.id,
                                            " would name this segment, but it is not there"));
    }
  }
  return absl::OkStatus();
}

Status FileCheckpointStorage::WriteManifest(const Manifest& manifest,
                                            const std::string& savepoint) {
  std::string dir = layout_.CheckpointDir(manifest.id);
  if (!savepoint.empty()) {
    WEIR_RETURN_IF_ERROR(CheckNewSavepoint(savepoint));
    dir = layout_.SegmentDir(savepoint);
  }
  WEIR_RETURN_IF_ERROR(CheckSegmentsExist(manifest, layout_.SegmentDir(savepoint)));
  WEIR_RETURN_IF_ERROR(fs_->CreateDirs(dir));
  WEIR_SIM_POINT("manifest.rename.before");
  WEIR_RETURN_IF_ERROR(
      fs_->WriteFileAtomic(CheckpointLayout::ManifestIn(dir), EncodeManifest(manifest)));
  WEIR_SIM_POINT("manifest.rename.after");
  if (savepoint.empty()) retention_.Published(manifest.id);
  return absl::OkStatus();
}

StatusOr<std::vector<int64_t>> FileCheckpointStorage::List() {
  return ListCheckpoints(fs_, layout_);
}

StatusOr<Manifest> FileCheckpointStorage::ReadManifestFile(const std::string& path,
                                                           const std::string& what) {
  const StatusOr<std::string> file = fs_->ReadFile(path);
  if (absl::IsNotFound(file.status())) {
    return Err(ErrorCode::kStateNoCheckpoint, absl::StrCat(what, " does not exist (", path, ")"),
               absl::StrCat("see what there is in ", layout_.job_dir()));
  }
  if (!file.ok()) return file.status();
  return DecodeManifest(*file, path);
}

StatusOr<Manifest> FileCheckpointStorage::ReadManifest(int64_t id) {
  const std::string path = CheckpointLayout::ManifestIn(layout_.CheckpointDir(id));
  WEIR_ASSIGN_OR_RETURN(Manifest manifest, ReadManifestFile(path, absl::StrCat("checkpoint ", id)));
  if (manifest.id != id) {
    return CorruptFile(path, absl::StrCat("is the manifest of checkpoint ", manifest.id));
  }
  return manifest;
}

StatusOr<Manifest> FileCheckpointStorage::ReadSavepoint(const std::string& name_or_path) {
  WEIR_RETURN_IF_ERROR(CheckpointLayout::CheckSavepointName(name_or_path));
  return ReadManifestFile(CheckpointLayout::ManifestIn(layout_.SegmentDir(name_or_path)),
                          absl::StrCat("savepoint '", name_or_path, "'"));
}

Status FileCheckpointStorage::Verify(const Manifest& manifest, const std::string& savepoint) {
  std::set<std::string> seen;
  for (const SegmentRef& ref : SegmentsOf(manifest)) {
    if (!seen.insert(ref.sha256).second) continue;
    const std::string path = JoinPath(layout_.SegmentDir(savepoint), ref.sha256);
    WEIR_RETURN_IF_ERROR(VerifySegmentFile(fs_, ref, path));
  }
  return absl::OkStatus();
}

Status FileCheckpointStorage::Collect(int retain, int64_t grace_ms) {
  return retention_.Collect(retain, grace_ms);
}

// Manifests first: a crash in between leaves garbage, never a checkpoint without its segments.
Status FileCheckpointStorage::DeleteAll() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, ListCheckpoints(fs_, layout_));
  for (const int64_t id : ids) WEIR_RETURN_IF_ERROR(RemoveCheckpoint(fs_, layout_, id));
  if (fs_->Exists(layout_.SavepointStartFile())) {
    WEIR_RETURN_IF_ERROR(fs_->Remove(layout_.SavepointStartFile()));
  }
  return fs_->RemoveAll(layout_.SharedDir());
}

}  // namespace

std::unique_ptr<CheckpointStorage> NewFileCheckpointStorage(const Env& env, const std::string& root,
                                                            const std::string& job) {
  return std::make_unique<FileCheckpointStorage>(env, root, job);
}

}  // namespace weir
