// Checkpoints in a directory (DESIGN section 5):
//
//   <root>/<job>/LOCK                  held by the process that runs the job
//   <root>/<job>/epoch/<n>             one empty name per incarnation
//   <root>/<job>/chk-<n>/MANIFEST      complete if and only if it is there
//   <root>/<job>/shared/<sha256>       segments, by content
//   <root>/<job>/savepoints/<name>/    MANIFEST and segments: may be copied elsewhere
//
// A savepoint is named by its folder under savepoints/, or by a path, which contains a '/'.
#pragma once

#include <memory>
#include <string>

#include "engine/base/env.h"
#include "engine/core/checkpoint_storage.h"

namespace weir {

// Reads nothing yet. Retention: a file becomes garbage when no manifest names it and this process
// has not just written it for a manifest to come. File systems here tell no file's age, so the
// grace period runs, in monotonic time, from when this process first saw the file as garbage; after
// a restart it runs anew. DeleteAll leaves savepoints, which belong to whoever asked for them, and
// epochs, which must never come again.
std::unique_ptr<CheckpointStorage> NewFileCheckpointStorage(const Env& env, const std::string& root,
                                                            const std::string& job);

}  // namespace weir
