// From options to the channel that an agent service answers with: a reasoner, behind the memo.
#pragma once

#include <memory>

#include "agent/reason/reasoner_options.h"
#include "engine/base/env.h"
#include "engine/base/metrics.h"
#include "engine/base/status.h"
#include "engine/core/agent_channel.h"
#include "engine/core/registry.h"

namespace weir {

// The whole thing: memo in front of reasoner, as `options` say. Only `openai` has a
// memo in front of it: the others cost nothing. `registry` gives memos by scheme and the HTTP
// client and is used only during the call; env's parts and `metrics` outlive the channel.
//
// The channel is thread-safe, calls `done` exactly once, and never retries (the engine's agent loop
// owns retries): a retriable error may carry RetryAfterMs. Errors of the call: kConfigBadValue,
// kConfigFile, kConfigUnknownName, for a rule file every error of the 10xx and 60xx range.
StatusOr<std::shared_ptr<AgentChannel>> MakeReasoner(const Env& env, const Registry& registry,
                                                     const ReasonerOptions& options,
                                                     MetricRegistry* metrics);

}  // namespace weir
