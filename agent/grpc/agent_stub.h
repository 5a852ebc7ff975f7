// The generated stub behind a name that headers can mention. For .cc files of this folder only:
// it includes gRPC.
#pragma once

#include <memory>

#include "weir/agent/v1/agent_service.grpc.pb.h"

namespace weir {

struct AgentStub {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<agent::v1::AgentService::Stub> stub;
};

}  // namespace weir
