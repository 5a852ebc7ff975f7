// Requests and replies between their structs and the protocol's messages; shared by client and
// service. What comes from the other side is cut to bounds here.
#pragma once

#include <cstdint>
#include <string>

#include "agent/grpc/agent_pipe.h"
#include "engine/core/agent_channel.h"

namespace weir {

namespace agent::v1 {
class DecideReply;
class DecideRequest;
}  // namespace agent::v1

// Initial metadata by which an agent shows that it is there.
inline constexpr char kProtocolKey[] = "weir-agent-protocol";
inline constexpr char kProtocolVersion[] = "1";
inline constexpr int kMaxMessageBytes = 4 * 1024 * 1024;
inline constexpr size_t kMaxRulesPerReply = 16;  // the engine's decider looks at no more

void RequestToProto(const PipeRequest& request, agent::v1::DecideRequest* out);
AgentRequest RequestFromProto(const agent::v1::DecideRequest& in);

void ReplyToProto(const std::string& request_id, int attempt, const StatusOr<AgentReply>& reply,
                  agent::v1::DecideReply* out);
// An error keeps its number if it is one that an agent may give; else its canonical code decides.
PipeReply ReplyFromProto(const agent::v1::DecideReply& in);
// The same from a canonical code; `text` may be hostile.
Status ErrorFromWire(int code, int number, const std::string& text);

}  // namespace weir
