// One way to one agent service: what the pool needs of a transport. gRPC is behind it in
// production (grpc_pipes.h), a test's own in the pool's unit tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/agent_channel.h"

namespace weir {

struct PipeRequest {
  AgentRequest request;
  int64_t timeout_ms = 0;  // left when it was handed over; clocks of two machines differ
};

struct PipeCancel {
  std::string request_id;
  int attempt = 0;  // a later one may have been sent meanwhile, and goes on
};

struct PipeReply {
  std::string request_id;
  StatusOr<AgentReply> reply;
  int attempt = 0;  // that it answers; 0 = the agent does not say
};

// Told by a pipe, on any thread, never from within PipeFactory::Open. Nothing after OnClosed.
class PipeListener {
 public:
  virtual ~PipeListener() = default;
  virtual void OnReady() = 0;  // the other side is there
  virtual void OnReplies(std::vector<PipeReply> replies) = 0;
  // The other side wants no further requests on this pipe; it answers those that it has.
  virtual void OnDraining() = 0;
  virtual void OnClosed(const Status& status) = 0;
};

// Thread-safe and never blocking. Destroyed after OnClosed, and not by the thread that calls it.
class AgentPipe {
 public:
  virtual ~AgentPipe() = default;
  // After OnReady. Without effect after Finish or OnClosed. What a pipe that is about to close can
  // no longer send comes back as a reply: kAgentUnavailable.
  virtual void Send(std::vector<PipeRequest> requests) = 0;
  // Nobody waits for these any more.
  virtual void Cancel(std::vector<PipeCancel> attempts) = 0;
  // No further requests; OnClosed follows the last reply.
  virtual void Finish() = 0;
  // OnClosed follows soon, whatever the other side does.
  virtual void Abort() = 0;
};

class PipeFactory {
 public:
  virtual ~PipeFactory() = default;
  // Begins to open a pipe to the endpoint of this index; `slot` is in [0, streams). Does not wait.
  virtual std::shared_ptr<AgentPipe> Open(size_t endpoint, size_t slot,
                                          std::shared_ptr<PipeListener> listener) = 0;
};

}  // namespace weir
