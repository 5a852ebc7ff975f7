// Decide calls, one for each request: 2.5 times as dear as a stream, and all that a simple agent
// must offer.
#include <grpc/support/time.h>
#include <grpcpp/channel.h>

#include <map>
#include <utility>

#include "agent/grpc/agent_stub.h"
#include "agent/grpc/pipe_kinds.h"
#include "agent/grpc/wire.h"
#include "engine/base/guarded.h"

namespace weir {

namespace {

namespace pb = agent::v1;
constexpr int64_t kKnockMs = 5'000;

class UnaryPipe : public AgentPipe, public std::enable_shared_from_this<UnaryPipe> {
 public:
  UnaryPipe(AgentStub* stub, std::string token, std::shared_ptr<PipeListener> listener)
      : stub_(stub), token_(std::move(token)), listener_(std::move(listener)) {}

  // An outcome of nothing: whatever the answer, somebody is there who can give one.
  void Knock() {
    auto call = NewCall("", 0, kKnockMs);
    auto* c = call.get();
    stub_->stub->async()->Observe(
        &c->context, &c->outcome, &c->ignored,
        [this, self = shared_from_this(), call](const grpc::Status& status) mutable {
          const bool there = IsThere(status);
          if (there) listener_->OnReady();
          const uint64_t number = call->number;
          call.reset();
          End(number, there ? grpc::Status::OK : status);
        });
  }

  void Send(std::vector<PipeRequest> requests) override {
    for (const PipeRequest& request : requests) {
      auto call = NewCall(request.request.request_id, request.request.attempt, request.timeout_ms);
      if (call == nullptr) continue;  // OnClosed says it
      RequestToProto(request, &call->request);
      call->refused ? Refuse(*call) : Ask(call);
    }
  }
  void Cancel(std::vector<PipeCancel> attempts) override {
    for (const PipeCancel& c : attempts) {
      std::shared_ptr<Call> call;
      state_.With([&](State* s) {
        for (const auto& [number, under] : s->calls) {
          if (under.id == c.request_id && under.attempt == c.attempt) call = under.call.lock();
        }
      });
      if (call != nullptr) call->context.TryCancel();
    }
  }
  void Finish() override {
    state_.With([](State* s) { BeginClosing(s, absl::OkStatus()); });
    CloseIfDone();
  }
  void Abort() override {
    std::vector<std::shared_ptr<Call>> calls;
    state_.With([&](State* s) {
      BeginClosing(s, absl::CancelledError("aborted"));  // no call is made behind our back
      for (const auto& [number, under] : s->calls) calls.push_back(under.call.lock());
    });
    for (const auto& call : calls) {
      if (call != nullptr) call->context.TryCancel();
    }
    calls.clear();
    CloseIfDone();
  }

 private:
  struct Call {
    grpc::ClientContext context;
    pb::DecideRequest request;
    pb::DecideReply reply;
    pb::Outcome outcome;
    pb::ObserveReply ignored;
    uint64_t number = 0;
    bool refused = false;  // the pipe is closing
  };
  struct Under {
    std::string id;  // the knock's is ""
    int attempt = 0;
    std::weak_ptr<Call> call;
  };
  struct State {
    bool closing = false;
    bool closed = false;
    Status why;
    uint64_t next = 1;
    std::map<uint64_t, Under> calls;
  };

  // A knock's status.
  static bool IsThere(const grpc::Status& status) {
    return status.error_code() != grpc::StatusCode::UNAVAILABLE &&
           status.error_code() != grpc::StatusCode::CANCELLED &&
           status.error_code() != grpc::StatusCode::UNAUTHENTICATED;
  }
  // A decision's. An agent that is busy says UNAVAILABLE too, over a connection that stands. A
  // status may be faster here than the news that its connection broke; then the next one tells.
  bool IsGone(const grpc::Status& status) const {
    return status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
           (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
            stub_->channel->GetState(false) != GRPC_CHANNEL_READY);
  }

  // nullptr once the pipe is closed. What is refused counts as under way until it is answered.
  std::shared_ptr<Call> NewCall(const std::string& id, int attempt, int64_t timeout_ms) {
    auto call = std::make_shared<Call>();
    if (!token_.empty()) call->context.AddMetadata("authorization", "Bearer " + token_);
    call->context.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN)));
    const bool open = state_.With([&](State* s) {
      call->number = s->next++;
      call->refused = s->closing;
      if (!s->closed) s->calls.emplace(call->number, Under{id, attempt, call});
      return !s->closed;
    });
    return open ? call : nullptr;
  }

  void Ask(const std::shared_ptr<Call>& call) {
    auto* c = call.get();
    stub_->stub->async()->Decide(
        &c->context, &c->request, &c->reply,
        [this, self = shared_from_this(), call = call](const grpc::Status& status) mutable {
          PipeReply reply = Result(*call, status);
          const uint64_t number = call->number;
          call.reset();
          Tell(std::move(reply));
          End(number, IsGone(status) ? status : grpc::Status::OK);
        });
  }
  void Refuse(const Call& call) {
    Tell({call.request.request_id(), Err(ErrorCode::kAgentUnavailable, "the agent is gone"),
          call.request.attempt()});
    End(call.number, grpc::Status::OK);
  }
  void Tell(PipeReply reply) {
    std::vector<PipeReply> replies;
    replies.push_back(std::move(reply));
    listener_->OnReplies(std::move(replies));
  }

  static PipeReply Result(const Call& call, const grpc::Status& status) {
    PipeReply reply{call.request.request_id(), AgentReply(), call.request.attempt()};
    if (!status.ok()) {
      reply.reply = ErrorFromWire(status.error_code(), 0, status.error_message());
      return reply;
    }
    reply = ReplyFromProto(call.reply);
    reply.request_id = call.request.request_id();
    reply.attempt = call.request.attempt();
    return reply;
  }

  // A call has ended, its client context is gone. If nobody is there any more, the pipe closes with
  // the last of those that are still under way; a slow one must not keep the pool from another.
  void End(uint64_t number, const grpc::Status& status) {
    const bool drains = state_.With([&](State* s) {
      if (status.ok() || s->closing) return false;
      BeginClosing(s, {static_cast<absl::StatusCode>(status.error_code()),
                       status.error_message().substr(0, 512)});
      return s->calls.size() > 1;
    });
    if (drains) listener_->OnDraining();  // this call still holds OnClosed back
    state_.With([&](State* s) { s->calls.erase(number); });
    CloseIfDone();
  }
  static void BeginClosing(State* s, const Status& why) {
    if (!s->closing) s->why = why;
    s->closing = true;
  }
  void CloseIfDone() {
    Status why;
    const bool now = state_.With([&](State* s) {
      if (!s->closing || s->closed || !s->calls.empty()) return false;
      why = s->why;
      return s->closed = true;
    });
    if (now) listener_->OnClosed(why);
  }

  AgentStub* const stub_;
  const std::string token_;
  const std::shared_ptr<PipeListener> listener_;
  Guarded<State> state_;
};

}  // namespace

std::shared_ptr<AgentPipe> OpenUnaryPipe(AgentStub* stub, const std::string& token,
                                         std::shared_ptr<PipeListener> listener) {
  auto pipe = std::make_shared<UnaryPipe>(stub, token, std::move(listener));
  pipe->Knock();
  return pipe;
}

}  // namespace weir
