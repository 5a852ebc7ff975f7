#include "state/checkpoint/retention.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/fail_point.h"
#include "state/checkpoint/manifest.h"

namespace weir {
namespace {

// A file on its way to a segment's name is as safe as the segment.
std::string SegmentOfFile(const std::string& name) {
  return IsTemporaryName(name) ? name.substr(0, name.find('.')) : name;
}

}  // namespace

std::vector<SegmentRef> SegmentsOf(const Manifest& manifest) {
  std::vector<SegmentRef> refs;
  for (const OperatorState& op : manifest.operators) {
    for (const SubtaskState& subtask : op.subtasks) {
      refs.insert(refs.end(), subtask.segments.begin(), subtask.segments.end());
    }
  }
  return refs;
}

StatusOr<std::vector<int64_t>> ListCheckpoints(FileSystem* fs, const CheckpointLayout& layout) {
  std::vector<int64_t> ids;
  const StatusOr<std::vector<std::string>> names = fs->List(layout.job_dir());
  if (absl::IsNotFound(names.status())) return ids;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::optional<int64_t> id = CheckpointLayout::CheckpointId(name);
    if (!id.has_value()) continue;
    // One that is there but cannot be seen is not one that is absent.
    const Status seen =
        fs->FileSize(CheckpointLayout::ManifestIn(layout.CheckpointDir(*id))).status();
    if (seen.ok()) ids.push_back(*id);
    if (!seen.ok() && !absl::IsNotFound(seen)) return seen;
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Status RemoveCheckpoint(FileSystem* fs, const CheckpointLayout& layout, int64_t id) {
  const std::string dir = layout.CheckpointDir(id);
  WEIR_RETURN_IF_ERROR(fs->Remove(CheckpointLayout::ManifestIn(dir)));
  // Durable before any segment goes: power loss must not bring back a manifest without its files.
  WEIR_RETURN_IF_ERROR(fs->SyncDir(dir));
  return fs->RemoveAll(dir);
}

void Retention::Protect(const std::string& sha256, int64_t id) {
  protection_.With([&](Protection* protection) {
    int64_t& checkpoint = protection->segments[sha256];
    checkpoint = std::max(checkpoint, id);
  });
}

void Retention::Published(int64_t id) {
  protection_.With([&](Protection* protection) {
    ++protection->publications;
    for (auto it = protection->segments.begin(); it != protection->segments.end();) {
      it = it->second <= id ? protection->segments.erase(it) : std::next(it);
    }
  });
}

Status Retention::Collect(int retain, int64_t grace_ms) {
  return garbage_since_ns_.With([&](Ages* since) -> Status {  // one collection at a time
    const int64_t publications =
        protection_.With([](Protection* protection) { return protection->publications; });
    WEIR_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, RemoveOld(std::max(retain, 1)));
    WEIR_ASSIGN_OR_RETURN(const Names named, MarkAll(ids));
    return Sweep(named, publications, grace_ms, since);
  });
}

// Returns the ids that are left. Folders without a manifest below the newest checkpoint were never
// completed or are half removed, and no one will complete them any more.
StatusOr<std::vector<int64_t>> Retention::RemoveOld(int retain) {
  WEIR_ASSIGN_OR_RETURN(std::vector<int64_t> ids, ListCheckpoints(fs_, *layout_));
  if (ids.empty()) return ids;
  const size_t old = ids.size() - std::min<size_t>(ids.size(), static_cast<size_t>(retain));
  for (size_t i = 0; i < old; ++i) {
    WEIR_RETURN_IF_ERROR(RemoveCheckpoint(fs_, *layout_, ids[i]));
  }
  ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(old));
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_->List(layout_->job_dir()));
  for (const std::string& name : names) {
    const std::optional<int64_t> id = CheckpointLayout::CheckpointId(name);
    if (!id.has_value() || *id >= ids.back()) continue;
    if (std::binary_search(ids.begin(), ids.end(), *id)) continue;
    WEIR_RETURN_IF_ERROR(fs_->RemoveAll(layout_->CheckpointDir(*id)));
  }
  return ids;
}

Status Retention::Mark(const std::string& manifest, Names* named) const {
  const StatusOr<std::string> file = fs_->ReadFile(manifest);
  if (!file.ok()) return file.status();
  WEIR_ASSIGN_OR_RETURN(const Manifest decoded, DecodeManifest(*file, manifest));
  for (const SegmentRef& ref : SegmentsOf(decoded)) named->insert(ref.sha256);
  return absl::OkStatus();
}

// Any manifest that cannot be read ends the collection: what it names is not known. Savepoints name
// nothing here: they have segments of their own.
StatusOr<Retention::Names> Retention::MarkAll(const std::vector<int64_t>& ids) const {
  Names named;
  for (const int64_t id : ids) {
    // Planted: only the newest checkpoint counts, older ones lose what they share with nobody.
    if (WEIR_PLANTED_BUG("gc-marks-newest-only") && id != ids.back()) continue;
    WEIR_RETURN_IF_ERROR(Mark(CheckpointLayout::ManifestIn(layout_->CheckpointDir(id)), &named));
  }
  return named;
}

Status Retention::Sweep(const Names& named, int64_t publications, int64_t grace_ms, Ages* since) {
  const StatusOr<std::vector<std::string>> files = fs_->List(layout_->SharedDir());
  if (absl::IsNotFound(files.status())) return absl::OkStatus();
  if (!files.ok()) return files.status();
  const int64_t now_ns = clock_->MonoNs();
  Ages still;
  for (const std::string& name : *files) {
    if (named.count(name) > 0) continue;
    const auto first = since->find(name);
    const int64_t first_ns = first == since->end() ? now_ns : first->second;
    // Under the lock, so that nobody can come to rely on the file between look and removal. A
    // manifest published since the marking may name anything: then the next call decides.
    WEIR_RETURN_IF_ERROR(protection_.With([&](Protection* protection) {
      if (protection->segments.count(SegmentOfFile(name)) > 0) return absl::OkStatus();
      const bool young = now_ns - first_ns < grace_ms * 1'000'000;
      if (young || protection->publications != publications) {
        still.emplace(name, first_ns);
        return absl::OkStatus();
      }
      return fs_->Remove(JoinPath(layout_->SharedDir(), name));
    }));
  }
  *since = std::move(still);
  return absl::OkStatus();
}

}  // namespace weir
