#include "agent/reason/openai_reasoner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/clean_text.h"
#include "agent/reason/chat_wire.h"
#include "agent/reason/json_schema.h"
#include "agent/reason/prompt.h"
#include "agent/reason/upstream_errors.h"
#include "agent/reason/verdict_reply.h"
#include "engine/base/hash.h"

namespace weir {

namespace {

constexpr char kReasoner[] = "openai/1";
constexpr size_t kMaxEcho = 8 * 1024;         // of an unusable answer, shown to the model again
constexpr size_t kMaxToolResult = 16 * 1024;  // JSON is not cut: a larger one is an error
constexpr size_t kMaxArguments = 16 * 1024;

std::string ShortHash(std::string_view text) {
  constexpr size_t kDigits = 12;
  return HexEncode(Sha256(text)).substr(0, kDigits);
}

const char* OutcomeName(const Status& status) {
  switch (static_cast<ErrorCode>(ErrorNumber(status))) {
    case ErrorCode::kAgentRateLimited:
      return "rate_limited";
    case ErrorCode::kAgentUpstream:
      return "upstream";
    case ErrorCode::kAgentRefused:
      return "refused";
    case ErrorCode::kAgentTimeout:
      return "timeout";
    case ErrorCode::kAgentBadReply:
      return "bad_reply";
    default:
      return status.ok() ? "ok" : "error";
  }
}

std::string ErrorJson(std::string_view message) {
  std::string out = "{\"error\":";
  AppendJsonString(message, &out);
  return out + "}";
}

}  // namespace

// Outlives the reasoner as long as a conversation goes on. The HTTP client does not: its end ends
// every conversation.
struct OpenAiReasoner::Shared {
  Shared(const Env& e, std::weak_ptr<HttpClient> h, OpenAiConfig c,
         std::vector<std::shared_ptr<AgentTool>> t, MetricRegistry* registry)
      : env(e),
        http(std::move(h)),
        config(std::move(c)),
        tools(std::move(t)),
        metrics(registry),
        reply_schema(ReplySchema(config.verdicts, config.actions)),
        schema(*ParseJson(reply_schema)),
        system(SystemPrompt(reply_schema, config.instructions)) {}

  AgentTool* FindTool(std::string_view name) const {
    for (const auto& tool : tools) {
      if (tool->name() == name) return tool.get();
    }
    return nullptr;
  }

  const Env env;
  const std::weak_ptr<HttpClient> http;
  const OpenAiConfig config;
  const std::vector<std::shared_ptr<AgentTool>> tools;
  mutable SharedMetrics metrics;
  const std::string reply_schema;
  const Value schema;
  const std::string system;
};

// One decision. Its steps run one after the other, on the I/O executor.
class OpenAiReasoner::Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(std::shared_ptr<const Shared> shared, const AgentRequest& request,
               std::function<void(StatusOr<AgentReply>)> done)
      : s_(std::move(shared)),
        request_(request),
        done_(std::move(done)),
        began_ns_(s_->env.clock->MonoNs()) {
    using Role = ChatMessage::Role;
    messages_.push_back({Role::kSystem, s_->system, {}, ""});
    messages_.push_back({Role::kUser, QuestionPrompt(request_), {}, ""});
  }

  void Ask() {
    const std::shared_ptr<HttpClient> client = s_->http.lock();
    if (client == nullptr) {
      return Finish(Err(ErrorCode::kAgentUnavailable, "the agent is going away"));
    }
    int64_t timeout_ms = s_->config.call_timeout_ms;
    if (request_.deadline_ms > 0) {
      timeout_ms = std::min(timeout_ms, request_.deadline_ms - s_->env.clock->NowMs());
    }
    if (timeout_ms <= 0) {
      return Finish(Err(ErrorCode::kAgentTimeout, "no time was left to ask the model"));
    }
    ChatRequest chat{s_->config.model, s_->config.max_tokens,
                     s_->config.json_schema ? s_->reply_schema : "", MayCallTools()};
    HttpRequest http;
    http.url = s_->config.base_url + "/chat/completions";
    http.timeout_ms = timeout_ms;
    http.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    http.headers.emplace_back("X-Weir-Request-Id", request_.request_id);
    if (!s_->config.api_key.empty()) {
      http.headers.emplace_back("Authorization", "Bearer " + s_->config.api_key);
    }
    http.body = EncodeChatRequest(chat, messages_, s_->tools);
    s_->metrics.Add("weir_reasoner_http_requests_total", {{"reasoner", "openai"}});
    client->Send(std::move(http),
                 [self = shared_from_this()](StatusOr<HttpResponse> response) mutable {
                   // The client's thread has other exchanges to serve.
                   Executor* io = self->s_->env.io;
                   io->Submit([self = std::move(self), response = std::move(response)] {
                     self->OnResponse(response);
                   });
                 });
  }

 private:
  bool MayCallTools() const { return rounds_ < s_->config.max_tool_rounds && !repaired_; }

  void OnResponse(const StatusOr<HttpResponse>& response) {
    if (!response.ok()) return Finish(FromHttpError(response.status()));
    if (const Status status = FromHttpStatus(*response); !status.ok()) return Finish(status);
    StatusOr<ChatResponse> chat = DecodeChatResponse(response->body);
    if (!chat.ok()) return Finish(chat.status());
    Pay(*chat);
    const std::string& expected = s_->config.expect_model;
    if (!expected.empty() && chat->model != expected) {
      return Finish(
          BadReply(absl::StrCat("the endpoint answers as another model than ", expected)));
    }
    if (!chat->calls.empty()) return OnCalls(*std::move(chat));
    if (!chat->refusal.empty()) return Finish(BadReply("the model refuses to answer"));
    OnAnswer(*chat);
  }

  static Status BadReply(std::string_view what) { return Err(ErrorCode::kAgentBadReply, what); }

  void Pay(const ChatResponse& chat) {
    reply_.tokens_in += chat.tokens_in;
    reply_.tokens_out += chat.tokens_out;
    s_->metrics.Add("weir_reasoner_tokens_total", {{"direction", "in"}}, chat.tokens_in);
    s_->metrics.Add("weir_reasoner_tokens_total", {{"direction", "out"}}, chat.tokens_out);
  }

  void OnCalls(ChatResponse chat) {
    if (!MayCallTools()) {
      return Finish(BadReply("the model goes on calling tools instead of answering"));
    }
    ++rounds_;
    messages_.push_back({ChatMessage::Role::kAssistant, chat.content, chat.calls, ""});
    calls_ = std::move(chat.calls);
    next_call_ = 0;
    NextCall();
  }

  // One tool after the other: their number is bounded by the rounds and by the wire's bound.
  void NextCall() {
    if (next_call_ == calls_.size()) return Ask();
    const ChatToolCall& call = calls_[next_call_++];
    AgentTool* tool = s_->FindTool(call.name);
    s_->metrics.Add("weir_reasoner_tool_calls_total",
                    {{"tool", tool == nullptr ? "unknown" : tool->name()}});
    const StatusOr<Value> arguments =
        ParseJson(call.arguments.size() > kMaxArguments ? "" : call.arguments);
    std::string problem;
    if (tool == nullptr) {
      problem = "there is no such tool";
    } else if (!arguments.ok()) {
      problem = "the arguments are not JSON";
    } else {
      const auto problems = CheckAgainstSchema(*ParseJson(tool->parameters()), *arguments);
      if (!problems.empty()) problem = problems[0];
    }
    if (!problem.empty()) return OnToolResult(call.id, ErrorJson(problem));
    tool->Call(request_, *arguments,
               [self = shared_from_this(), id = call.id](StatusOr<std::string> result) {
                 // Not from here: a tool that answers at once would nest ever deeper.
                 self->s_->env.io->Submit([self, id, result = std::move(result)] {
                   self->OnToolResult(
                       id, result.ok() ? *result : ErrorJson(ToStd(result.status().message())));
                 });
               });
  }

  void OnToolResult(const std::string& id, const std::string& json) {
    const bool large = json.size() > kMaxToolResult;
    messages_.push_back({ChatMessage::Role::kTool,
                         DataBlock(request_, large ? ErrorJson("the result is too large") : json),
                         {},
                         id});
    NextCall();
  }

  void OnAnswer(const ChatResponse& chat) {
    std::vector<std::string> problems =
        chat.cut ? std::vector<std::string>{"it was cut: it is longer than the tokens allowed"}
                 : ReadVerdict(s_->schema, chat.content, &reply_);
    if (problems.empty()) return Succeed(chat.model);
    if (repaired_) return Finish(BadReply(absl::StrCat("the answer does not fit: ", problems[0])));
    repaired_ = true;
    s_->metrics.Add("weir_reasoner_repairs_total", {});
    using Role = ChatMessage::Role;
    messages_.push_back({Role::kAssistant, CleanText(chat.content, kMaxEcho), {}, ""});
    messages_.push_back({Role::kUser, RepairPrompt(problems), {}, ""});
    Ask();
  }

  void Succeed(const std::string& model) {
    reply_.request_id = request_.request_id;
    reply_.agent =
        absl::StrCat(kReasoner, " ", model.empty() ? s_->config.model : model, " ", kPromptVersion);
    Finish(std::move(reply_));
  }

  void Finish(StatusOr<AgentReply> reply) {
    s_->metrics.Add("weir_reasoner_calls_total",
                    {{"reasoner", "openai"}, {"outcome", OutcomeName(reply.status())}});
    s_->metrics.Record("weir_reasoner_call_duration_seconds", {{"reasoner", "openai"}},
                       (s_->env.clock->MonoNs() - began_ns_) / 1'000'000);
    const auto done = std::move(done_);
    done(std::move(reply));
  }

  const std::shared_ptr<const Shared> s_;
  const AgentRequest request_;
  std::function<void(StatusOr<AgentReply>)> done_;
  const int64_t began_ns_;
  AgentReply reply_;
  std::vector<ChatMessage> messages_;
  std::vector<ChatToolCall> calls_;  // of the present round
  size_t next_call_ = 0;
  int64_t rounds_ = 0;
  bool repaired_ = false;
};

OpenAiReasoner::OpenAiReasoner(const Env& env, std::shared_ptr<HttpClient> http,
                               OpenAiConfig config, std::vector<std::shared_ptr<AgentTool>> tools,
                               MetricRegistry* metrics)
    : http_(std::move(http)),
      shared_(std::make_shared<const Shared>(env, http_, std::move(config), std::move(tools),
                                             metrics)) {}

void OpenAiReasoner::Decide(const AgentRequest& request,
                            std::function<void(StatusOr<AgentReply>)> done) {
  auto conversation = std::make_shared<Conversation>(shared_, request, std::move(done));
  shared_->env.io->Submit([conversation = std::move(conversation)] { conversation->Ask(); });
}

ReasonerVersions OpenAiReasoner::versions() const {
  const OpenAiConfig& c = shared_->config;
  std::string tools;
  for (const auto& tool : shared_->tools) {
    absl::StrAppend(&tools, tool->name(), "\n", tool->description(), "\n", tool->parameters(),
                    "\n");
  }
  ReasonerVersions v;
  v.reasoner = kReasoner;
  v.model = absl::StrCat(c.model, " ", c.expect_model);
  v.prompt = absl::StrCat(kPromptVersion, "+", ShortHash(shared_->system));
  v.schema = absl::StrCat(ShortHash(shared_->reply_schema), "+", ShortHash(tools));
  v.policy = absl::StrCat("temperature=0 max_tokens=", c.max_tokens, " rounds=", c.max_tool_rounds,
                          " endpoint=", c.base_url);
  return v;
}

}  // namespace weir
