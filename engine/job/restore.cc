#include "engine/job/restore.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/fail_point.h"
#include "engine/base/log.h"
#include "engine/core/options.h"
#include "engine/model/key.h"
#include "engine/model/record_batch.h"
#include "engine/runtime/task_snapshot.h"

namespace weir {

namespace {

StatusOr<RestorePoint> FromSavepoint(CheckpointStorage* storage, const std::string& savepoint) {
  WEIR_ASSIGN_OR_RETURN(Manifest m, storage->ReadSavepoint(savepoint));
  WEIR_RETURN_IF_ERROR(storage->Verify(m, savepoint));
  return RestorePoint{std::make_shared<const Manifest>(std::move(m)), savepoint};
}

}  // namespace

StatusOr<RestorePoint> ChooseRestorePoint(CheckpointStorage* storage,
                                          const RestoreOptions& options) {
  if (!options.savepoint.empty()) return FromSavepoint(storage, options.savepoint);
  WEIR_ASSIGN_OR_RETURN(const auto start, storage->NewestSavepointStart());
  WEIR_ASSIGN_OR_RETURN(std::vector<int64_t> ids, storage->List());
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    auto manifest = storage->ReadManifest(*id);
    // What is older was given up for the savepoint, of which nothing newer is left.
    if (manifest.ok() && start && manifest->epoch < start->epoch) break;
    Status status = manifest.ok() ? storage->Verify(*manifest, "") : manifest.status();
    if (status.ok()) {
      return RestorePoint{std::make_shared<const Manifest>(std::move(*manifest)), ""};
    }
    // Only damage may be stepped over; an unknown version or an I/O error stops the job (promise
    // 5).
    if (ErrorNumber(status) != static_cast<int>(ErrorCode::kStateCorrupt)) return status;
    if (!options.allow_fallback) {
      return Err(ErrorCode::kStateCorrupt, absl::StrCat("checkpoint ", *id, ": ", status.message()),
                 "restore the file, or start with --allow-fallback to use an older checkpoint");
    }
    LogError("restore", absl::StrCat("ALARM: checkpoint ", *id,
                                     " is damaged, falling back: ", FormatError(status)));
  }
  if (start) return FromSavepoint(storage, start->savepoint);
  if (!ids.empty()) {
    return Err(ErrorCode::kStateCorrupt, "every retained checkpoint is damaged",
               "restore a savepoint with --from-savepoint, or start --fresh");
  }
  return RestorePoint{};
}

Status CheckFits(const Manifest& m, const std::string& job, int max_parallelism,
                 const std::vector<RestoreTarget>& targets, bool allow_non_restored) {
  if (m.job != job) {
    return Err(ErrorCode::kStateIncompatible,
               absl::StrCat("the checkpoint is of job '", m.job, "', this is '", job, "'"));
  }
  if (m.max_parallelism != max_parallelism) {
    return Err(ErrorCode::kStateIncompatible,
               absl::StrCat("the checkpoint has max_parallelism ", m.max_parallelism,
                            ", the job asks for ", max_parallelism),
               "key groups depend on it: set job.max_parallelism back");
  }
  if (m.key_hash != Manifest{}.key_hash) {
    return Err(ErrorCode::kStateIncompatible,
               absl::StrCat("the checkpoint hashes keys by '", m.key_hash, "', this build by '",
                            Manifest{}.key_hash, "'"));
  }
  std::vector<std::string> uids;
  uids.reserve(targets.size());
  for (const RestoreTarget& t : targets) uids.push_back(t.uid);
  for (const OperatorState& op : m.operators) {
    if (allow_non_restored || std::find(uids.begin(), uids.end(), op.uid) != uids.end()) continue;
    const std::string near = NearestName(op.uid, uids);
    return Err(ErrorCode::kStateUnmatched,
               absl::StrCat("the checkpoint has state of operator '", op.name, "' (uid '", op.uid,
                            "'), which the job lacks",
                            near.empty() ? "" : absl::StrCat("; the nearest uid is '", near, "'")),
               "give the operator its old uid, or drop the state with --allow-non-restored-state");
  }
  return absl::OkStatus();
}

Status RestoreKeyedState(CheckpointStorage* storage, const RestorePoint& point,
                         const OperatorState& state, const RestoreTarget& target) {
  const int parallelism = static_cast<int>(target.backends.size());
  const int max_parallelism = point.manifest->max_parallelism;
  const auto no_longer_kept = [&](const SealedTable& header) {
    return Err(
        ErrorCode::kStateIncompatible,
        absl::StrCat("operator '", target.uid, "' no longer keeps state '", header.name, "'"));
  };
  auto feed = [&](const SealedTable& header, const StateRecord& record) -> Status {
    if (!header.broadcast) {
      int owner = OwnerOf(record.group, parallelism, max_parallelism);
      if (WEIR_PLANTED_BUG("B-10")) owner = record.group % parallelism;
      if (owner >= parallelism || target.backends[owner] == nullptr) {
        return no_longer_kept(header);
      }
      return target.backends[owner]->Restore(header, record);
    }
    for (StateBackend* backend : target.backends) {
      if (backend == nullptr) return no_longer_kept(header);
      WEIR_RETURN_IF_ERROR(backend->Restore(header, record));
    }
    return absl::OkStatus();
  };
  for (const SubtaskState& subtask : state.subtasks) {
    for (const SegmentRef& ref : subtask.segments) {
      WEIR_RETURN_IF_ERROR(storage->ReadSegment(ref, point.savepoint, feed));
    }
  }
  return absl::OkStatus();
}

std::vector<StatePiece> CollectPieces(const OperatorState& state) {
  std::vector<StatePiece> pieces;
  for (const SubtaskState& subtask : state.subtasks) {
    std::copy_if(subtask.pieces.begin(), subtask.pieces.end(), std::back_inserter(pieces),
                 [](const StatePiece& piece) { return piece.name != kWatermarkPiece; });
  }
  return pieces;
}

int64_t RestoredWatermark(const OperatorState& state, int subtask, int parallelism) {
  int64_t min = kMaxTimestamp;
  bool any = false;
  for (const SubtaskState& old : state.subtasks) {
    if (state.parallelism == parallelism && old.subtask != subtask) continue;
    for (const StatePiece& piece : old.pieces) {
      if (piece.name != kWatermarkPiece) continue;
      min = std::min(min, ByteReader(piece.bytes).Signed());
      any = true;
    }
  }
  return any ? min : kNoTimestamp;
}

}  // namespace weir
