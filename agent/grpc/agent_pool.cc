#include "agent/grpc/agent_pool.h"

#include <utility>

#include "agent/grpc/pool_core.h"

namespace weir {

AgentPool::AgentPool(AgentPoolConfig config, const Env& env, MetricRegistry* metrics,
                     std::unique_ptr<PipeFactory> factory)
    : core_(std::make_shared<PoolCore>(std::move(config), env, metrics, std::move(factory))) {
  core_->Start();
}

AgentPool::~AgentPool() { core_->Close(); }

void AgentPool::Decide(const AgentRequest& request,
                       std::function<void(StatusOr<AgentReply>)> done) {
  core_->Decide(request, std::move(done));
}

}  // namespace weir
