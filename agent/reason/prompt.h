// What a model is told. The template has a version; whoever changes a word of it changes the
// version, because replies of different prompts must not answer for each other (D15).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/core/agent_channel.h"

namespace weir {

inline constexpr char kPromptVersion[] = "verdict-1";

// JSON schema of the reply.
std::string ReplySchema(const std::vector<std::string>& verdicts,
                        const std::vector<std::string>& actions);
// `instructions` are the operator's own, "" = none.
std::string SystemPrompt(const std::string& reply_schema, std::string_view instructions);
// The question. Whatever the request holds stands inside of data markers.
std::string QuestionPrompt(const AgentRequest& request);
// JSON text that strangers may have written, between markers that it cannot contain: the tag
// follows from the request id, which nobody outside of the engine can compute, and every '<' and
// '>' of the text becomes an escape.
std::string DataBlock(const AgentRequest& request, std::string_view json);
std::string RepairPrompt(const std::vector<std::string>& problems);

}  // namespace weir
