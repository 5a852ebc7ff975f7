// The chat-completions protocol: messages to a request body, a response body to what it says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/reason/tool.h"
#include "engine/base/status.h"

namespace weir {

struct ChatToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // as the model wrote them
};

struct ChatMessage {
  enum class Role { kSystem, kUser, kAssistant, kTool };
  Role role = Role::kUser;
  std::string content;
  std::vector<ChatToolCall> calls;  // of an assistant
  std::string call_id;              // of a tool
};

struct ChatRequest {
  std::string model;
  int64_t max_tokens = 0;
  std::string reply_schema;  // "" = do not ask for structured output
  bool may_call_tools = true;
};

struct ChatResponse {
  std::string model;
  std::string content;
  std::string refusal;
  std::vector<ChatToolCall> calls;
  bool cut = false;  // max_tokens ended it
  int64_t tokens_in = 0, tokens_out = 0;
};

// Temperature 0; always the same bytes for the same input.
std::string EncodeChatRequest(const ChatRequest& request, const std::vector<ChatMessage>& messages,
                              const std::vector<std::shared_ptr<AgentTool>>& tools);
// kAgentBadReply if it is not a chat completion.
StatusOr<ChatResponse> DecodeChatResponse(std::string_view body);
// The `error.message` of an error response, cleaned and cut; "" if there is none.
std::string ChatErrorMessage(std::string_view body);

}  // namespace weir
