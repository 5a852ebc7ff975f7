// One DecideStream. The callback API: gRPC's own threads call the On... methods; what they find is
// handed to the listener at once.
#include <algorithm>
#include <deque>
#include <utility>

#include "agent/grpc/agent_stub.h"
#include "agent/grpc/pipe_kinds.h"
#include "agent/grpc/wire.h"
#include "engine/base/guarded.h"

namespace weir {

namespace {

namespace pb = agent::v1;
constexpr size_t kMaxRequestBytes = 1024 * 1024;  // of one message; what is larger goes alone
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kMaxCancels = 512;
constexpr int kMaxTogether = 1024;  // requests and cancels: the service cuts a stream that has more

class StreamPipe : public AgentPipe,
                   public grpc::ClientBidiReactor<pb::DecideBatch, pb::DecideReplies> {
 public:
  StreamPipe(const std::string& token, size_t batch, const Clock* clock,
             std::shared_ptr<PipeListener> listener)
      : batch_(static_cast<int>(batch)), clock_(clock), listener_(std::move(listener)) {
    if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
  }
  void Start(AgentStub* stub) {
    stub->stub->async()->DecideStream(&context_, this);
    AddHold();  // writes come from outside of reactions, until the last read
    StartRead(&in_);
    StartCall();
  }

  void Send(std::vector<PipeRequest> requests) override {
    state_.With([&](State* s) {
      if (s->closed || s->finish) return;
      const int64_t now = clock_->MonoNs();
      for (PipeRequest& r : requests) {
        const int64_t deadline_ns = now + r.timeout_ms * kNsPerMs;
        s->requests.push_back({std::move(r), deadline_ns});
      }
      Pump(s);
    });
  }
  void Cancel(std::vector<PipeCancel> attempts) override {
    state_.With([&](State* s) {
      if (s->closed || s->finish) return;
      for (PipeCancel& c : attempts) {
        if (!TakeBack(s, c)) s->cancels.push_back(std::move(c));
      }
      Pump(s);
    });
  }
  void Finish() override {
    state_.With([&](State* s) {
      s->finish = true;
      Pump(s);
    });
  }
  void Abort() override { context_.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    // An error alone counts as metadata too, but it has not this key.
    if (ok && context_.GetServerInitialMetadata().count(kProtocolKey) > 0) listener_->OnReady();
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      state_.With([](State* s) { s->closed = true; });
      return RemoveHold();
    }
    std::vector<PipeReply> replies;
    for (const pb::DecideReply& reply : in_.replies()) replies.push_back(ReplyFromProto(reply));
    const bool draining = in_.draining();
    StartRead(&in_);
    if (!replies.empty()) listener_->OnReplies(std::move(replies));
    if (draining) listener_->OnDraining();
  }
  void OnWriteDone(bool ok) override {
    state_.With([&](State* s) {
      s->writing = false;
      if (ok) Pump(s);
    });
  }
  void OnDone(const grpc::Status& status) override {
    const Status closed(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message().substr(0, 512));
    listener_->OnClosed(closed);  // the last thing that touches this
  }

 private:
  struct Waiting {
    PipeRequest request;
    int64_t deadline_ns = 0;
  };
  struct State {
    bool closed = false;  // the last read is done: no operation may begin any more
    bool writing = false;
    bool finish = false;
    bool finished = false;
    std::deque<Waiting> requests;  // while a write is under way, which flow control may hold
    std::deque<PipeCancel> cancels;
  };

  // An attempt that was never sent needs no cancel.
  static bool TakeBack(State* s, const PipeCancel& cancel) {
    const auto it = std::find_if(s->requests.begin(), s->requests.end(), [&](const Waiting& w) {
      return w.request.request.attempt == cancel.attempt &&
             w.request.request.request_id == cancel.request_id;
    });
    if (it == s->requests.end()) return false;
    s->requests.erase(it);
    return true;
  }

  // What gathers during a write goes out as one message, as large as allowed. Beginning an
  // operation calls no reaction before it returns (gRPC runs them on its own threads).
  void Pump(State* s) {
    if (s->closed || s->writing) return;
    out_.Clear();
    AddRequests(s);
    AddCancels(s);
    if (out_.requests_size() > 0 || out_.cancel_size() > 0) {
      s->writing = true;
      StartWrite(&out_);
    } else if (s->finish && !s->finished) {
      s->finished = true;
      StartWritesDone();
    }
  }

  // Without those whose time has passed meanwhile: the pool gives them up by itself.
  void AddRequests(State* s) {
    const int64_t now = clock_->MonoNs();
    size_t bytes = 0;
    while (!s->requests.empty() && out_.requests_size() < batch_) {
      Waiting* next = &s->requests.front();
      if (next->deadline_ns > now) {
        next->request.timeout_ms = (next->deadline_ns - now + kNsPerMs - 1) / kNsPerMs;
        pb::DecideRequest* request = out_.add_requests();
        RequestToProto(next->request, request);
        bytes += request->ByteSizeLong();
        if (bytes > kMaxRequestBytes && out_.requests_size() > 1) {
          return out_.mutable_requests()->RemoveLast();
        }
      }
      s->requests.pop_front();
    }
  }

  void AddCancels(State* s) {
    const int room = std::min(kMaxCancels, kMaxTogether - out_.requests_size());
    while (!s->cancels.empty() && out_.cancel_size() < room) {
      pb::DecideCancel* cancel = out_.add_cancel();
      cancel->set_request_id(std::move(s->cancels.front().request_id));
      cancel->set_attempt(s->cancels.front().attempt);
      s->cancels.pop_front();
    }
  }

  const int batch_;
  const Clock* const clock_;
  const std::shared_ptr<PipeListener> listener_;
  grpc::ClientContext context_;
  pb::DecideReplies in_;
  pb::DecideBatch out_;  // being written
  Guarded<State> state_;
};

}  // namespace

std::shared_ptr<AgentPipe> OpenStreamPipe(AgentStub* stub, const std::string& token, size_t batch,
                                          const Clock* clock,
                                          std::shared_ptr<PipeListener> listener) {
  auto pipe = std::make_shared<StreamPipe>(token, batch, clock, std::move(listener));
  pipe->Start(stub);
  return pipe;
}

}  // namespace weir
