#include "agent/service/agent_service.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <utility>

#include "agent/grpc/wire.h"

namespace weir {

namespace {

namespace pb = agent::v1;
using Reactor = grpc::ServerBidiReactor<pb::DecideBatch, pb::DecideReplies>;

class RefusedStream : public Reactor {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

// Takes as long whatever the first difference is.
bool SameBytes(const grpc::string_ref& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a.data()[i]) ^
                                        static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

// Of the call itself, for a request that names no time of its own; 0 = none.
int64_t CallTimeout(const grpc::CallbackServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return 0;
  const int32_t left = gpr_time_to_millis(gpr_time_sub(deadline, gpr_now(deadline.clock_type)));
  return left == 0 ? -1 : left;
}

grpc::Status ToGrpc(const Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), FormatError(status)};
}

absl::StatusCode CodeOf(const grpc::Status& status) {
  return static_cast<absl::StatusCode>(status.error_code());
}

grpc::ServerUnaryReactor* End(grpc::ServerUnaryReactor* reactor, const grpc::Status& status,
                              CallMetrics::Method method, CallMetrics* calls) {
  calls->Ended(method, CodeOf(status));
  reactor->Finish(status);
  return reactor;
}

}  // namespace

grpc::Status AgentService::CheckToken(const grpc::CallbackServerContext& context) const {
  if (tokens_.empty()) return grpc::Status::OK;
  const auto found = context.client_metadata().find("authorization");
  bool known = false;
  for (const std::string& token : tokens_) {
    known |=
        found != context.client_metadata().end() && SameBytes(found->second, "Bearer " + token);
  }
  return known ? grpc::Status::OK
               : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no token, or one not known");
}

grpc::ServerBidiReactor<pb::DecideBatch, pb::DecideReplies>* AgentService::DecideStream(
    grpc::CallbackServerContext* context) {
  grpc::Status status = CheckToken(*context);
  std::shared_ptr<weir::DecideStream> stream;
  state_.With([&](State* s) {
    if (status.ok() && s->closed) {
      status = {grpc::StatusCode::UNAVAILABLE, "the agent is going away"};
    }
    if (status.ok() && s->streams.size() >= max_streams_) {
      status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many streams"};
    }
    if (!status.ok()) return;
    const uint64_t number = s->next++;
    stream = std::make_shared<weir::DecideStream>(context, desk_, env_.clock, StreamLimits(),
                                                  [this, number] { StreamEnded(number); });
    s->streams[number] = stream;
    desk_->metrics()->streams_opened->Add();
    desk_->metrics()->streams->Set(static_cast<int64_t>(s->streams.size()));
  });
  if (stream == nullptr) {
    desk_->metrics()->calls.Ended(CallMetrics::kDecideStream, CodeOf(status));
    return new RefusedStream(status);
  }
  stream->Start();
  return stream.get();
}

void AgentService::StreamEnded(uint64_t number) {
  state_.With([&](State* s) {
    s->streams.erase(number);
    desk_->metrics()->streams->Set(static_cast<int64_t>(s->streams.size()));
  });
}

grpc::ServerUnaryReactor* AgentService::Decide(grpc::CallbackServerContext* context,
                                               const pb::DecideRequest* request,
                                               pb::DecideReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  CallMetrics* calls = &desk_->metrics()->calls;
  const grpc::Status status = CheckToken(*context);
  if (!status.ok()) return End(reactor, status, CallMetrics::kDecide, calls);
  int64_t timeout = TimeoutOf(*request, *env_.clock);
  if (timeout == 0) timeout = CallTimeout(*context);
  // The desk answers by the deadline, so the reactor always comes to its end.
  desk_->Ask(RequestFromProto(*request), timeout,
             [reactor, reply, calls, id = request->request_id(),
              attempt = request->attempt()](const StatusOr<AgentReply>& decided) {
               calls->Ended(CallMetrics::kDecide, decided.status().code());
               if (!decided.ok()) return reactor->Finish(ToGrpc(decided.status()));
               ReplyToProto(id, attempt, decided, reply);
               reactor->Finish(grpc::Status::OK);
             });
  return reactor;
}

grpc::ServerUnaryReactor* AgentService::Observe(grpc::CallbackServerContext* context,
                                                const pb::Outcome* outcome, pb::ObserveReply*) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto end = [&](const grpc::Status& status) {
    return End(reactor, status, CallMetrics::kObserve, &desk_->metrics()->calls);
  };
  const grpc::Status status = CheckToken(*context);
  if (!status.ok()) return end(status);
  if (outcome->request_id().empty() || outcome->request_id().size() > 128) {
    return end({grpc::StatusCode::INVALID_ARGUMENT, "request_id: 1 to 128 bytes"});
  }
  AgentRequest about;
  about.request_id = outcome->request_id();
  desk_->Observe(about, outcome->outcome());
  return end(grpc::Status::OK);
}

std::vector<std::shared_ptr<DecideStream>> AgentService::Streams() {
  std::vector<std::shared_ptr<weir::DecideStream>> out;
  state_.With([&](State* s) {
    for (const auto& [number, weak] : s->streams) {
      if (auto stream = weak.lock()) out.push_back(std::move(stream));
    }
  });
  return out;
}

void AgentService::WatchStreams(int64_t max_age_ns, int64_t grace_ns) {
  const int64_t now = env_.clock->MonoNs();
  for (const auto& stream : Streams()) {
    if (now - stream->opened_ns() >= max_age_ns) stream->Drain();
    const int64_t drained = stream->drained_ns();
    if (drained != 0 && now - drained >= grace_ns) {
      stream->Cut({grpc::StatusCode::UNAVAILABLE, "the stream's time is over"});
    }
  }
}

void AgentService::DrainStreams() {
  state_.With([](State* s) { s->closed = true; });
  for (const auto& stream : Streams()) stream->Drain();
}

void AgentService::CutStreams() {
  for (const auto& stream : Streams()) {
    stream->Cut({grpc::StatusCode::UNAVAILABLE, "the agent is going away"});
  }
}

size_t AgentService::streams() {
  return state_.With([](State* s) { return s->streams.size(); });
}

}  // namespace weir
