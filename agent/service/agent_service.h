// The rpc methods. Includes gRPC: for .cc files of this folder only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/service/decide_stream.h"
#include "agent/service/decision_desk.h"
#include "engine/base/guarded.h"
#include "weir/agent/v1/agent_service.grpc.pb.h"

namespace weir {

class AgentService : public agent::v1::AgentService::CallbackService {
 public:
  // No tokens = everybody is served.
  AgentService(const Env& env, std::shared_ptr<DecisionDesk> desk, std::vector<std::string> tokens,
               size_t max_streams)
      : env_(env), desk_(std::move(desk)), tokens_(std::move(tokens)), max_streams_(max_streams) {}

  grpc::ServerBidiReactor<agent::v1::DecideBatch, agent::v1::DecideReplies>* DecideStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Decide(grpc::CallbackServerContext* context,
                                   const agent::v1::DecideRequest* request,
                                   agent::v1::DecideReply* reply) override;
  grpc::ServerUnaryReactor* Observe(grpc::CallbackServerContext* context,
                                    const agent::v1::Outcome* outcome,
                                    agent::v1::ObserveReply* reply) override;

  // Streams older than `max_age_ns` are drained, those that were told to drain more than
  // `grace_ns` ago are cut.
  void WatchStreams(int64_t max_age_ns, int64_t grace_ns);
  void DrainStreams();  // and take no new ones
  void CutStreams();
  size_t streams();

 private:
  struct State {
    bool closed = false;
    uint64_t next = 1;
    std::map<uint64_t, std::weak_ptr<weir::DecideStream>> streams;
  };
  std::vector<std::shared_ptr<weir::DecideStream>> Streams();
  void StreamEnded(uint64_t number);
  grpc::Status CheckToken(const grpc::CallbackServerContext& context) const;

  const Env env_;
  const std::shared_ptr<DecisionDesk> desk_;
  const std::vector<std::string> tokens_;
  const size_t max_streams_;
  Guarded<State> state_;
};

}  // namespace weir
