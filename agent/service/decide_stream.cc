#include "agent/service/decide_stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/grpc/wire.h"

namespace weir {

namespace pb = agent::v1;

int64_t TimeoutOf(const pb::DecideRequest& request, const Clock& clock) {
  if (request.timeout_ms() != 0) return request.timeout_ms();
  if (request.deadline_ms() == 0) return 0;
  const int64_t left = request.deadline_ms() - clock.NowMs();
  return left == 0 ? -1 : left;
}

DecideStream::DecideStream(grpc::CallbackServerContext* context, std::shared_ptr<DecisionDesk> desk,
                           const Clock* clock, const StreamLimits& limits,
                           std::function<void()> on_done)
    : context_(context),
      desk_(std::move(desk)),
      clock_(clock),
      limits_(limits),
      on_done_(std::move(on_done)),
      opened_ns_(clock->MonoNs()) {}

void DecideStream::Start() {
  self_ = shared_from_this();
  context_->AddInitialMetadata(kProtocolKey, kProtocolVersion);
  StartSendInitialMetadata();
  StartRead(&in_);
}

void DecideStream::OnReadDone(bool ok) {
  if (!ok) {
    return state_.With([&](State* s) {
      s->reads_done = true;
      Pump(s);
    });
  }
  if (in_.requests_size() + in_.cancel_size() > limits_.requests_per_message) {
    Count(absl::StatusCode::kInvalidArgument);
    return Cut(
        {grpc::StatusCode::INVALID_ARGUMENT, absl::StrCat("at most ", limits_.requests_per_message,
                                                          " requests and cancels in one message")});
  }
  for (const pb::DecideRequest& request : in_.requests()) Take(request);
  CancelAll(in_.cancel());  // perhaps of one of these; each names its attempt
  state_.With([&](State* s) {
    if (s->finished) return;
    s->paused = !HasRoom(*s);
    if (!s->paused) StartRead(&in_);
  });
}

void DecideStream::Count(absl::StatusCode code) {
  desk_->metrics()->calls.Ended(CallMetrics::kDecideStream, code);
}

// Above it nothing more is read, and HTTP/2's flow control holds the client.
bool DecideStream::HasRoom(const State& s) const {
  return s.pending.size() + static_cast<size_t>(s.waiting.replies_size()) < limits_.pending;
}

void DecideStream::Take(const pb::DecideRequest& request) {
  const std::string& id = request.request_id();
  uint64_t replaced = 0;
  const bool fresh = state_.With([&](State* s) {
    const auto [it, is_new] = s->pending.try_emplace(id, Pending{request.attempt(), 0});
    if (is_new) return true;
    if (it->second.attempt >= request.attempt()) return false;
    replaced = it->second.ticket;
    it->second = Pending{request.attempt(), 0};
    return true;
  });
  if (!fresh) return;  // twice on one stream: the first one is answered
  const uint64_t ticket =
      desk_->Ask(RequestFromProto(request), TimeoutOf(request, *clock_),
                 [weak = weak_from_this(), id, attempt = request.attempt()](const auto& reply) {
                   if (const auto s = weak.lock()) s->Reply(id, attempt, reply);
                 });
  const bool open = state_.With([&](State* s) {
    const auto it = s->pending.find(id);
    if (it == s->pending.end()) return false;
    it->second.ticket = ticket;
    return true;
  });
  if (!open) desk_->Cancel(ticket);  // an earlier attempt's answer has served it meanwhile
  if (replaced == 0) return;
  Count(absl::StatusCode::kCancelled);
  desk_->Cancel(replaced);  // after the new attempt has joined the question
}

void DecideStream::CancelAll(const google::protobuf::RepeatedPtrField<pb::DecideCancel>& cancels) {
  std::vector<uint64_t> tickets;
  state_.With([&](State* s) {
    for (const pb::DecideCancel& cancel : cancels) {
      const auto it = s->pending.find(cancel.request_id());
      if (it == s->pending.end() || it->second.attempt != cancel.attempt()) continue;
      tickets.push_back(it->second.ticket);
      s->pending.erase(it);
    }
  });
  for (const uint64_t ticket : tickets) {
    Count(absl::StatusCode::kCancelled);
    desk_->Cancel(ticket);
  }
}

// An answer that was on its way when the next attempt came is the answer to that, too. An error is
// not: the next attempt has its own chance.
void DecideStream::Reply(const std::string& id, int attempt, const StatusOr<AgentReply>& reply) {
  uint64_t served = 0;
  state_.With([&](State* s) {
    const auto it = s->pending.find(id);
    if (it == s->pending.end()) return;
    const Pending asked = it->second;
    if (asked.attempt != attempt && !reply.ok()) return;
    if (asked.attempt != attempt) served = asked.ticket;
    s->pending.erase(it);
    Count(s->finished ? absl::StatusCode::kCancelled : reply.status().code());
    if (s->finished) return;
    ReplyToProto(id, asked.attempt, reply, s->waiting.add_replies());
    Pump(s);
  });
  if (served != 0) desk_->Cancel(served);
}

// What gathers during a write goes out as one message. Beginning an operation calls no reaction
// before it returns (gRPC runs them on its own threads).
void DecideStream::Pump(State* s) {
  if (s->writing || s->finished) return;
  const bool tell = s->drain && !s->drain_told;
  if (s->waiting.replies_size() > 0 || tell) {
    out_.Clear();
    auto* waiting = s->waiting.mutable_replies();
    size_t bytes = 0;
    int n = 0;
    while (n < waiting->size() && n < limits_.replies_per_message &&
           bytes < limits_.bytes_per_message) {
      bytes += waiting->Get(n).ByteSizeLong();
      *out_.add_replies() = std::move(*waiting->Mutable(n++));
    }
    waiting->DeleteSubrange(0, n);
    out_.set_draining(tell);
    s->drain_told = s->drain_told || tell;
    s->writing = true;
    StartWrite(&out_);
  } else if (s->reads_done && s->pending.empty()) {
    End(s, grpc::Status::OK);
  }
}

void DecideStream::End(State* s, const grpc::Status& status) {
  s->finished = true;
  Finish(status);
}

void DecideStream::OnWriteDone(bool ok) {
  state_.With([&](State* s) {
    s->writing = false;
    if (s->finished) return;
    if (!ok) return End(s, {grpc::StatusCode::CANCELLED, "the client is gone"});
    Pump(s);
    if (!s->paused || s->finished || s->reads_done || !HasRoom(*s)) return;
    s->paused = false;
    StartRead(&in_);
  });
}

void DecideStream::OnCancel() {
  state_.With([&](State* s) {
    // With a write under way, its end comes with ok = false.
    if (!s->finished && !s->writing) End(s, {grpc::StatusCode::CANCELLED, "the client is gone"});
  });
}

void DecideStream::OnDone() {
  std::map<std::string, Pending> pending;
  state_.With([&](State* s) {
    s->finished = true;
    pending.swap(s->pending);
  });
  for (const auto& [id, asked] : pending) {
    Count(absl::StatusCode::kCancelled);
    desk_->Cancel(asked.ticket);
  }
  const auto self = std::move(self_);  // to the end of this function
  on_done_();
}

void DecideStream::Drain() {
  state_.With([&](State* s) {
    if (s->drain) return;
    s->drain = true;
    s->drained_ns = clock_->MonoNs();
    Pump(s);
  });
}

int64_t DecideStream::drained_ns() {
  return state_.With([](State* s) { return s->drained_ns; });
}

void DecideStream::Cut(const grpc::Status& status) {
  state_.With([&](State* s) {
    if (s->finished) return;
    if (s->writing) return context_->TryCancel();
    End(s, status);
  });
}

}  // namespace weir
