// The two kinds of pipes over gRPC, from a stub. For grpc_pipes.cc only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/grpc/agent_pipe.h"
#include "engine/base/clock.h"

namespace weir {

// Hides the generated stub, whose header nobody else needs.
struct AgentStub;

// The stub and the clock must outlive the pipe. `token` "" = none.
std::shared_ptr<AgentPipe> OpenStreamPipe(AgentStub* stub, const std::string& token, size_t batch,
                                          const Clock* clock,
                                          std::shared_ptr<PipeListener> listener);
std::shared_ptr<AgentPipe> OpenUnaryPipe(AgentStub* stub, const std::string& token,
                                         std::shared_ptr<PipeListener> listener);

}  // namespace weir
