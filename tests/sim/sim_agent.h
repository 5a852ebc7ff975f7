// An agent that behaves as badly as agents do: late, lost and doubled replies, and a different
// valid answer whenever it is asked again (reliability.md 3b.7, "LLM mode"). It counts what it is
// asked.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/core/agent_channel.h"

namespace weir {

struct SimAgentOptions {
  int64_t delay_max_ms = 3000;
  double lost = 0;
  double doubled = 0;
  bool varies = true;
};

// Shared by all channels of a run; outlives crashes of the job, as a real service would.
class SimAgentService {
 public:
  SimAgentService(Random* random, SimAgentOptions options) : random_(random), options_(options) {}

  // True if the decision for a request id is durable; asked at each call.
  void SetDurable(std::function<bool(const std::string& request_id)> durable) {
    durable_ = std::move(durable);
  }
  void Decide(Executor* io, const AgentRequest& request,
              std::function<void(StatusOr<AgentReply>)> done);

  int64_t calls() const { return calls_; }
  const std::map<std::string, int>& asked() const { return asked_; }
  // Request ids that were asked although their decision was durable (promise 4).
  const std::vector<std::string>& asked_again() const { return asked_again_; }

 private:
  AgentReply Answer(const AgentRequest& request);

  Random* random_;
  SimAgentOptions options_;
  std::function<bool(const std::string&)> durable_;
  std::map<std::string, int> asked_;
  std::vector<std::string> asked_again_;
  int64_t calls_ = 0;
};

// "sim:" endpoints of a registry lead to `service`.
AgentChannelType MakeSimAgentType(SimAgentService* service);

}  // namespace weir
