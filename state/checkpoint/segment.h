// A segment file: the sealed state of one subtask at one checkpoint. Inside the frame:
//
//   full u8 | tables u32 | per table: name, version u32, type name, broadcast u8, records u64,
//                          length u64, records as AppendStateRecord makes them
//
// Records are sorted by (group, key, sub key); those of one entry keep their order, so that an
// erasure still stands before the put that makes the entry again. The checkpoint's number is not
// part of it: equal state gives equal bytes, and those are stored once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/base/status.h"
#include "engine/core/state_backend.h"
#include "state/checkpoint/framing.h"

namespace weir {

inline constexpr FrameFormat kSegmentFormat{"WEIRSEG\n", 1, "segment"};

// The file's bytes; `*crc` gets the frame's checksum. kStateCorrupt if a table's bytes are no
// records.
StatusOr<std::string> EncodeSegment(const SealedState& state, uint32_t* crc);

// Calls fn for each record with its table's header (whose `bytes` is empty). `content` is what
// OpenFrame returned; `path` is for messages.
Status ForEachSegmentRecord(
    std::string_view content, const std::string& path,
    const std::function<Status(const SealedTable&, const StateRecord&)>& fn);

}  // namespace weir
