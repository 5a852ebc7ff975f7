// What a reasoner may read of a request: its context, parsed and bounded.
#pragma once

#include "engine/base/status.h"
#include "engine/core/agent_channel.h"
#include "engine/model/types.h"
#include "engine/model/value.h"

namespace weir {

// The fields of the masked context, as maps; empty ones where the context has none.
struct RequestContext {
  Value event, signature, novelty;
};

// kAgentBadReply if the context is not a JSON object as the engine's masking writes it.
StatusOr<RequestContext> ParseContext(const AgentRequest& request);

// What the expressions of a rule file see: `event`, `signature` and `novelty` (json), `event_time`,
// `job`, `operator` and `signature_text`.
const SchemaPtr& ContextSchema();
// One row of that schema.
StatusOr<RecordBatch> MakeContextRow(const AgentRequest& request);

}  // namespace weir
