// Checkpoints and savepoints on request, and how a job is stopped with one.
#pragma once

#include <functional>
#include <string>

#include "engine/base/status.h"
#include "engine/server/admin_context.h"
#include "state/checkpoint/inspect.h"

namespace weir::admin::v1 {
class ListSnapshotsReply;
class SnapshotInfo;
class SnapshotProgress;
}  // namespace weir::admin::v1

namespace weir {

// False: nobody listens any more. What was begun goes on.
using SendSnapshotProgress = std::function<bool(const admin::v1::SnapshotProgress&)>;

// All of them block until the snapshot is complete, has failed, or nobody listens.
Status RunCheckpoint(const AdminContext& context, const SendSnapshotProgress& send);
// kAdminBadRequest if the name is no name or taken.
Status RunSavepoint(const AdminContext& context, const std::string& name,
                    const SendSnapshotProgress& send);
// Waits for the end of the job. With an empty name the last snapshot is a checkpoint.
Status RunStop(const AdminContext& context, const StopOptions& options,
               const SendSnapshotProgress& send);

Status ListSnapshots(const AdminContext& context, bool savepoints, bool read_all,
                     admin::v1::ListSnapshotsReply* out);
// By name only: a caller may not make the job read any folder of its machine.
Status VerifySavepoint(const AdminContext& context, const std::string& name,
                       admin::v1::SnapshotInfo* out);

void FillSnapshotInfo(const SnapshotReport& report, admin::v1::SnapshotInfo* out);

// Letters, digits, '.', '_' and '-', not beginning with '.' or '-', at most 100.
Status CheckNewSavepointName(const std::string& name);

}  // namespace weir
