// A reply <-> the bytes that a memo keeps: "WMEM", version, length, CRC32C, protobuf (D18).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/status.h"
#include "engine/core/agent_channel.h"

namespace weir {

std::string EncodeMemoEntry(std::string_view key, const AgentReply& reply, int64_t now_ms);
// The reply as it was put, marked as from the memo, without tokens. kAgentBadReply if the bytes are
// not a whole entry of this key and request: torn, of another version, changed, misplaced.
StatusOr<AgentReply> DecodeMemoEntry(std::string_view key, std::string_view request_id,
                                     std::string_view bytes);

}  // namespace weir
