// The service's end of one DecideStream. Includes gRPC: for .cc files of this folder only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/service/decision_desk.h"
#include "engine/base/guarded.h"
#include "weir/agent/v1/agent_service.grpc.pb.h"

namespace weir {

struct StreamLimits {
  int requests_per_message = 1024;
  size_t pending = 2000;  // requests without a reply, and replies not yet taken: then no reading
  int replies_per_message = 64;
  size_t bytes_per_message = 1024 * 1024;  // the reply that crosses it is the last one
};

// Left of a request's time: 0 = it names none, below 0 = it has passed.
int64_t TimeoutOf(const agent::v1::DecideRequest& request, const Clock& clock);

// Keeps itself alive from Start until gRPC is done with it. gRPC's threads call the On... methods.
class DecideStream
    : public grpc::ServerBidiReactor<agent::v1::DecideBatch, agent::v1::DecideReplies>,
      public std::enable_shared_from_this<DecideStream> {
 public:
  DecideStream(grpc::CallbackServerContext* context, std::shared_ptr<DecisionDesk> desk,
               const Clock* clock, const StreamLimits& limits, std::function<void()> on_done);
  void Start();

  // Asks the client to use another stream; this one ends after its last reply.
  void Drain();
  // Ends it as soon as possible; the client may ask again elsewhere.
  void Cut(const grpc::Status& status);
  int64_t opened_ns() const { return opened_ns_; }
  int64_t drained_ns();  // 0 = not asked to drain

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  struct Pending {
    int attempt = 0;
    uint64_t ticket = 0;  // 0 while it is being asked
  };
  struct State {
    bool writing = false;
    bool finished = false;  // Finish was called
    bool reads_done = false;
    bool paused = false;  // no read is under way: too much is pending
    bool drain = false;
    bool drain_told = false;
    int64_t drained_ns = 0;
    std::map<std::string, Pending> pending;  // by request id
    agent::v1::DecideReplies waiting;        // replies while a write is under way
  };

  void Take(const agent::v1::DecideRequest& request);
  void CancelAll(const google::protobuf::RepeatedPtrField<agent::v1::DecideCancel>& cancels);
  void Reply(const std::string& id, int attempt, const StatusOr<AgentReply>& reply);
  void Count(absl::StatusCode code);
  bool HasRoom(const State& s) const;
  void Pump(State* s);
  void End(State* s, const grpc::Status& status);

  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<DecisionDesk> desk_;
  const Clock* const clock_;
  const StreamLimits limits_;
  const std::function<void()> on_done_;
  const int64_t opened_ns_;
  agent::v1::DecideBatch in_;
  agent::v1::DecideReplies out_;  // being written
  Guarded<State> state_;
  std::shared_ptr<DecideStream> self_;
};

}  // namespace weir
