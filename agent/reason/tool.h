// What a model may look up while it decides. Tools are read-only; only the engine acts (D17).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/base/status.h"
#include "engine/core/agent_channel.h"
#include "engine/model/value.h"

namespace weir {

class AgentTool {
 public:
  virtual ~AgentTool() = default;
  virtual const std::string& name() const = 0;  // letters, digits and _
  virtual const std::string& description() const = 0;
  virtual const std::string& parameters() const = 0;  // JSON schema of the arguments, an object
  // `arguments` come from a model that hostile text may have talked to: whatever fits the schema
  // must be harmless. Nothing behind request.event_time_ms may be shown. Calls `done` exactly
  // once, on any thread, perhaps before returning: JSON text, or an error whose message the model
  // gets to see. Thread-safe.
  virtual void Call(const AgentRequest& request, const Value& arguments,
                    std::function<void(StatusOr<std::string>)> done) = 0;
};

// `recent_stats`: the numbers that the job itself has about the event, from the request's context.
// Needs no server.
std::shared_ptr<AgentTool> MakeRecentStatsTool();

}  // namespace weir
