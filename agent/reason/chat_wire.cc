#include "agent/reason/chat_wire.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/clean_text.h"

namespace weir {

namespace {

constexpr size_t kMaxErrorText = 200;
constexpr size_t kMaxCalls = 16;  // further ones of one message are not read

const char* RoleName(ChatMessage::Role role) {
  switch (role) {
    case ChatMessage::Role::kSystem:
      return "system";
    case ChatMessage::Role::kUser:
      return "user";
    case ChatMessage::Role::kAssistant:
      return "assistant";
    case ChatMessage::Role::kTool:
      break;
  }
  return "tool";
}

void AppendField(const char* name, std::string_view text, std::string* out) {
  absl::StrAppend(out, "\"", name, "\":");
  AppendJsonString(text, out);
}

void AppendMessage(const ChatMessage& message, std::string* out) {
  absl::StrAppend(out, "{\"role\":\"", RoleName(message.role), "\",");
  AppendField("content", message.content, out);
  if (message.role == ChatMessage::Role::kTool) {
    *out += ',';
    AppendField("tool_call_id", message.call_id, out);
  }
  if (!message.calls.empty()) *out += ",\"tool_calls\":[";
  for (size_t i = 0; i < message.calls.size(); ++i) {
    const ChatToolCall& call = message.calls[i];
    *out += i > 0 ? ",{" : "{";
    AppendField("id", call.id, out);
    *out += ",\"type\":\"function\",\"function\":{";
    AppendField("name", call.name, out);
    *out += ',';
    AppendField("arguments", call.arguments, out);
    *out += "}}";
  }
  *out += message.calls.empty() ? "}" : "]}";
}

void AppendTools(const std::vector<std::shared_ptr<AgentTool>>& tools, bool may_call,
                 std::string* out) {
  if (tools.empty()) return;
  *out += ",\"tools\":[";
  for (size_t i = 0; i < tools.size(); ++i) {
    *out += i > 0 ? ",{" : "{";
    *out += "\"type\":\"function\",\"function\":{";
    AppendField("name", tools[i]->name(), out);
    *out += ',';
    AppendField("description", tools[i]->description(), out);
    absl::StrAppend(out, ",\"parameters\":", tools[i]->parameters(), "}}");
  }
  absl::StrAppend(out, "],\"tool_choice\":\"", may_call ? "auto" : "none", "\"");
}

std::string TextAt(const Value& value, std::string_view name) {
  const Value* found = value.Get(name);
  return found != nullptr && found->kind() == Value::Kind::kString ? found->string_value() : "";
}

int64_t CountAt(const Value* value, std::string_view name) {
  const Value* found = value == nullptr ? nullptr : value->Get(name);
  if (found == nullptr || found->kind() != Value::Kind::kInt) return 0;
  return std::max<int64_t>(0, found->int_value());
}

void ReadCalls(const Value& message, std::vector<ChatToolCall>* calls) {
  const Value* list = message.Get("tool_calls");
  if (list == nullptr || list->kind() != Value::Kind::kList) return;
  for (const Value& item : list->list()) {
    const Value* function = item.Get("function");
    if (function == nullptr || calls->size() >= kMaxCalls) continue;
    calls->push_back(
        {TextAt(item, "id"), TextAt(*function, "name"), TextAt(*function, "arguments")});
  }
}

}  // namespace

std::string EncodeChatRequest(const ChatRequest& request, const std::vector<ChatMessage>& messages,
                              const std::vector<std::shared_ptr<AgentTool>>& tools) {
  std::string out = "{";
  AppendField("model", request.model, &out);
  absl::StrAppend(&out, ",\"temperature\":0,\"max_tokens\":", request.max_tokens,
                  ",\"messages\":[");
  for (size_t i = 0; i < messages.size(); ++i) {
    if (i > 0) out += ',';
    AppendMessage(messages[i], &out);
  }
  out += ']';
  AppendTools(tools, request.may_call_tools, &out);
  if (!request.reply_schema.empty()) {
    absl::StrAppend(&out,
                    ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                    "\"verdict\",\"strict\":true,\"schema\":",
                    request.reply_schema, "}}");
  }
  return out + "}";
}

StatusOr<ChatResponse> DecodeChatResponse(std::string_view body) {
  const auto bad = [](const char* what) {
    return Err(ErrorCode::kAgentBadReply, absl::StrCat("the endpoint's response ", what));
  };
  const StatusOr<Value> root = ParseJson(body);
  if (!root.ok()) return bad("is not JSON");
  const Value* choices = root->Get("choices");
  if (choices == nullptr || choices->kind() != Value::Kind::kList || choices->list().empty()) {
    return bad("has no choices");
  }
  const Value& choice = choices->list()[0];
  const Value* message = choice.Get("message");
  if (message == nullptr || message->kind() != Value::Kind::kMap) return bad("has no message");
  ChatResponse out;
  out.model = TextAt(*root, "model");
  out.content = TextAt(*message, "content");
  out.refusal = TextAt(*message, "refusal");
  out.cut = TextAt(choice, "finish_reason") == "length";
  ReadCalls(*message, &out.calls);
  const Value* usage = root->Get("usage");
  out.tokens_in = CountAt(usage, "prompt_tokens");
  out.tokens_out = CountAt(usage, "completion_tokens");
  return out;
}

std::string ChatErrorMessage(std::string_view body) {
  const StatusOr<Value> root = ParseJson(body);
  const Value* error = root.ok() ? root->Get("error") : nullptr;
  if (error == nullptr) return "";
  const std::string text =
      error->kind() == Value::Kind::kString ? error->string_value() : TextAt(*error, "message");
  return CleanText(text, kMaxErrorText);
}

}  // namespace weir
