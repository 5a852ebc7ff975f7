// One DecideStream. The callback API: gRPC's own threads call the On... methods; what they find is
// handed to the listener at once.
#include <algorithm>
#include <utility>

#include "agent/grpc/agent_stub.h"
#include "agent/grpc/pipe_kinds.h"
#include "agent/grpc/wire.h"
#include "engine/base/guarded.h"

namespace weir {

namespace {

namespace pb = agent::v1;

class StreamPipe : public AgentPipe,
                   public grpc::ClientBidiReactor<pb::DecideBatch, pb::DecideReplies> {
 public:
  StreamPipe(const std::string& token, size_t batch, std::shared_ptr<PipeListener> listener)
      : batch_(static_cast<int>(batch)), listener_(std::move(listener)) {
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
      for (const PipeRequest& r : requests) RequestToProto(r, s->waiting.add_requests());
      Pump(s);
    });
  }
  void Cancel(std::vector<PipeCancel> attempts) override {
    state_.With([&](State* s) {
      if (s->closed || s->finish) return;
      for (PipeCancel& c : attempts) {
        pb::DecideCancel* cancel = s->waiting.add_cancel();
        cancel->set_request_id(std::move(c.request_id));
        cancel->set_attempt(c.attempt);
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
  struct State {
    bool closed = false;  // the last read is done: no operation may begin any more
    bool writing = false;
    bool finish = false;
    bool finished = false;
    pb::DecideBatch waiting;  // while a write is under way
  };

  // What gathers during a write goes out as one message, as large as allowed. Beginning an
  // operation calls no reaction before it returns (gRPC runs them on its own threads).
  void Pump(State* s) {
    if (s->closed || s->writing) return;
    out_.Clear();
    auto* waiting = s->waiting.mutable_requests();
    if (waiting->size() <= batch_) {
      out_.mutable_requests()->Swap(waiting);
    } else {
      for (int i = 0; i < batch_; ++i) *out_.add_requests() = std::move(*waiting->Mutable(i));
      waiting->DeleteSubrange(0, batch_);
    }
    out_.mutable_cancel()->Swap(s->waiting.mutable_cancel());
    if (out_.requests_size() > 0 || out_.cancel_size() > 0) {
      s->writing = true;
      StartWrite(&out_);
    } else if (s->finish && !s->finished) {
      s->finished = true;
      StartWritesDone();
    }
  }

  const int batch_;
  const std::shared_ptr<PipeListener> listener_;
  grpc::ClientContext context_;
  pb::DecideReplies in_;
  pb::DecideBatch out_;  // being written
  Guarded<State> state_;
};

}  // namespace

std::shared_ptr<AgentPipe> OpenStreamPipe(AgentStub* stub, const std::string& token, size_t batch,
                                          std::shared_ptr<PipeListener> listener) {
  auto pipe = std::make_shared<StreamPipe>(token, batch, std::move(listener));
  pipe->Start(stub);
  return pipe;
}

}  // namespace weir
