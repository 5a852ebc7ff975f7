// The agent channels of the schemes grpc:// and grpcs://.
#pragma once

#include "engine/core/agent_channel.h"

namespace weir {

// docs/agent.md, "The client", says what stands behind the scheme.
AgentChannelType GrpcAgentType();
AgentChannelType GrpcsAgentType();

}  // namespace weir
