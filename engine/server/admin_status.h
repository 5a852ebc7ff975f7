// What `weirctl status` and `top` show: counters of the job, put together.
#pragma once

#include "engine/server/admin_context.h"

namespace weir::admin::v1 {
class JobStatus;
class SnapshotProgress;
}  // namespace weir::admin::v1

namespace weir {

void FillJobStatus(const AdminContext& context, admin::v1::JobStatus* out);
// Leaves *out alone if no snapshot is in flight.
void FillSnapshotInFlight(const AdminContext& context, admin::v1::SnapshotProgress* out);

}  // namespace weir
