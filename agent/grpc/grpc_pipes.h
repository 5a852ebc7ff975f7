// Pipes over gRPC: a DecideStream each, or Decide calls for agents that know no stream.
#pragma once

#include <memory>
#include <string>

#include "agent/grpc/agent_pipe.h"
#include "agent/grpc/endpoint.h"
#include "engine/base/env.h"

namespace weir {

// A connection of its own for each (endpoint, slot); gRPC keeps and mends it. The factory must
// outlive its pipes and not be destroyed by a gRPC thread. kConfigFile for a certificate file that
// cannot be read.
StatusOr<std::unique_ptr<PipeFactory>> NewGrpcPipeFactory(const GrpcEndpoint& endpoint,
                                                          const Env& env);

}  // namespace weir
