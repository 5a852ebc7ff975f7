// Decides by a language model behind any OpenAI-compatible chat endpoint, with tool calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/reason/shared_metrics.h"
#include "agent/reason/tool.h"
#include "agent/reason/versions.h"
#include "engine/base/env.h"
#include "engine/base/http_client.h"
#include "engine/core/agent_channel.h"

namespace weir {

struct OpenAiConfig {
  std::string base_url;
  std::string model;
  std::string expect_model;  // "" = any
  std::string api_key;       // "" = none is sent; never in a message or a log
  std::vector<std::string> verdicts;
  std::vector<std::string> actions;
  std::string instructions;
  int64_t max_tokens = 1024;
  int64_t max_tool_rounds = 4;
  int64_t call_timeout_ms = 20'000;
  bool json_schema = true;
};

// One decision is at most max_tool_rounds + 2 calls: rounds of tools, the answer, and one repair of
// an answer that does not fit the schema. Nothing else is ever sent again here: a retriable error
// goes to the engine's agent loop, with RetryAfterMs if the endpoint gave a time.
//   kAgentRateLimited (429), kAgentUpstream (408, 5xx, no connection, no answer in time): retriable
//   kAgentRefused (other 4xx), kAgentBadReply (unusable answer), kAgentTimeout (too late to ask)
// Thread-safe. When it goes, conversations under way end with kAgentUpstream or kAgentUnavailable.
class OpenAiReasoner : public AgentChannel {
 public:
  OpenAiReasoner(const Env& env, std::shared_ptr<HttpClient> http, OpenAiConfig config,
                 std::vector<std::shared_ptr<AgentTool>> tools, MetricRegistry* metrics);
  void Decide(const AgentRequest& request, std::function<void(StatusOr<AgentReply>)> done) override;
  ReasonerVersions versions() const;

 private:
  struct Shared;
  class Conversation;
  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<const Shared> shared_;
};

}  // namespace weir
