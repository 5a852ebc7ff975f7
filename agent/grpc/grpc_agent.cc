#include "agent/grpc/grpc_agent.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/grpc/agent_pool.h"
#include "agent/grpc/endpoint.h"
#include "agent/grpc/grpc_pipes.h"
#include "engine/base/guarded.h"
#include "engine/core/metered_channel.h"

namespace weir {

namespace {

constexpr int64_t kNsPerMs = 1'000'000;

AgentPoolConfig PoolConfig(const std::string& job, const GrpcEndpoint& endpoint) {
  AgentPoolConfig config;
  config.job = job;
  config.endpoints = endpoint.targets;
  config.streams = static_cast<size_t>(endpoint.streams);
  config.in_flight = static_cast<size_t>(endpoint.in_flight);
  config.stream_age_ns = endpoint.stream_age_ms * kNsPerMs;
  config.connect_timeout_ns = endpoint.connect_timeout_ms * kNsPerMs;
  config.breaker.failures = endpoint.breaker_failures;
  config.breaker.after_ns = endpoint.breaker_after_ms * kNsPerMs;
  config.breaker.cooldown_ns = endpoint.breaker_cooldown_ms * kNsPerMs;
  return config;
}

// The pool begins when it is known where to count, or with the first request.
class GrpcAgentChannel : public MeteredAgentChannel {
 public:
  GrpcAgentChannel(GrpcEndpoint endpoint, const Env& env, std::unique_ptr<PipeFactory> factory)
      : endpoint_(std::move(endpoint)), env_(env), factory_(std::move(factory)) {}

  void UseMetrics(MetricRegistry* metrics, const std::string& job) override { Pool(metrics, job); }
  void Decide(const AgentRequest& request,
              std::function<void(StatusOr<AgentReply>)> done) override {
    Pool(&own_metrics_, request.job)->Decide(request, std::move(done));
  }

 private:
  AgentPool* Pool(MetricRegistry* metrics, const std::string& job) {
    return pool_.With([&](std::unique_ptr<AgentPool>* pool) {
      if (*pool == nullptr) {
        *pool = std::make_unique<AgentPool>(PoolConfig(job, endpoint_), env_, metrics,
                                            std::move(factory_));
      }
      return pool->get();
    });
  }

  const GrpcEndpoint endpoint_;
  const Env env_;
  MetricRegistry own_metrics_;            // of a channel that nobody reads
  std::unique_ptr<PipeFactory> factory_;  // until there is a pool
  Guarded<std::unique_ptr<AgentPool>> pool_;
};

StatusOr<std::shared_ptr<AgentChannel>> Create(const Env& env, const std::string& text) {
  WEIR_ASSIGN_OR_RETURN(GrpcEndpoint endpoint, GrpcEndpoint::Parse(text));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<PipeFactory> factory, NewGrpcPipeFactory(endpoint, env));
  return std::shared_ptr<AgentChannel>(
      std::make_shared<GrpcAgentChannel>(std::move(endpoint), env, std::move(factory)));
}

}  // namespace

AgentChannelType GrpcAgentType() { return {"grpc", Create}; }
AgentChannelType GrpcsAgentType() { return {"grpcs", Create}; }

}  // namespace weir
