// How the agent loop asks an agent (DESIGN D17, D21). The embedded agent, the gRPC client and the
// simulator's agent stand behind this one interface.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/env.h"
#include "engine/base/status.h"

namespace weir {

// Everything an agent may know. Already masked: what is not listed in the operator's mask is not
// here.
struct AgentRequest {
  std::string request_id;  // hex; the identity of the question (D15)
  std::string operator_uid;
  std::string job;
  std::string signature;      // canonical text of the signature
  int64_t event_time_ms = 0;  // the anchor: no tool may look past it
  std::string context_json;   // bounded, masked
  int64_t deadline_ms = 0;    // wall clock
  int attempt = 1;
};

// A proposal; only the validator makes a rule of it.
struct RuleProposal {
  std::string predicate;  // CEL over the operator's input; empty = "equals the request's signature"
  std::string action;     // "block", ...
  int64_t ttl_ms = 0;     // event time from the triggering event; 0 = the operator's default
  std::string reason;
};

struct AgentReply {
  std::string request_id;
  std::string verdict;  // "quarantine", "release", ...
  std::string reason;
  double confidence = 0;
  std::vector<RuleProposal> rules;
  std::string agent;                      // name and version of what decided
  int64_t tokens_in = 0, tokens_out = 0;  // paid for this reply: 0 from the memo
  bool from_memo = false;
};

class AgentChannel {
 public:
  virtual ~AgentChannel() = default;
  // Calls `done` at most once, on any thread, perhaps never, perhaps before returning; the caller
  // owns deadline and retry. Thread-safe.
  virtual void Decide(const AgentRequest& request,
                      std::function<void(StatusOr<AgentReply>)> done) = 0;
};

struct AgentChannelType {
  std::string scheme;  // "embedded" or the scheme of an endpoint
  std::function<StatusOr<std::shared_ptr<AgentChannel>>(const Env& env,
                                                        const std::string& endpoint)>
      create;
};

}  // namespace weir
