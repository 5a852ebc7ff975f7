// The client's pipes alone, over a real connection: what the pool would not let a test see.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "agent/grpc/grpc_pipes.h"
#include "agent/grpc/wire.h"
#include "service_rig.h"
#include "weir/agent/v1/agent_service.grpc.pb.h"

namespace weir {
namespace {

namespace pb = agent::v1;
using ::testing::ElementsAre;

struct Heard {
  bool ready = false, draining = false, closed = false;
  std::vector<PipeReply> replies;
};

class Ear : public PipeListener {
 public:
  void OnReady() override {
    heard.Change([](Heard* h) { h->ready = true; });
  }
  void OnReplies(std::vector<PipeReply> replies) override {
    heard.Change([&](Heard* h) {
      for (PipeReply& r : replies) h->replies.push_back(std::move(r));
    });
  }
  void OnDraining() override {
    heard.Change([](Heard* h) { h->draining = true; });
  }
  void OnClosed(const Status&) override {
    heard.Change([](Heard* h) { h->closed = true; });
  }
  Watched<Heard> heard;
};

class PipeTest : public ServiceTest {
 protected:
  ~PipeTest() override { ClosePipe(); }
  void ClosePipe() {
    if (pipe != nullptr) {
      pipe->Abort();
      EXPECT_TRUE(Await([](const Heard& h) { return h.closed; }));
    }
    pipe.reset();
    factory.reset();
  }
  void Open(bool unary) {
    GrpcEndpoint endpoint;
    endpoint.targets = {absl::StrCat("127.0.0.1:", port)};
    endpoint.unary = unary;
    factory = NewGrpcPipeFactory(endpoint, real.env()).value();
    pipe = factory->Open(0, 0, ear);
    ASSERT_TRUE(Await([](const Heard& h) { return h.ready; }));
  }
  void Send(const std::string& id, size_t bytes = 2, int64_t timeout_ms = 20'000) {
    AgentRequest request = Request(id);
    request.attempt = 1;
    request.context_json.resize(bytes, ' ');
    pipe->Send({{request, timeout_ms}});
  }
  template <typename Fn>
  bool Await(Fn&& fn) {
    return ear->heard.Await(fn);
  }
  bool AwaitReplies(size_t n) {
    return Await([n](const Heard& h) { return h.replies.size() >= n; });
  }
  Heard Now() {
    return ear->heard.Change([](Heard* h) { return *h; });
  }

  std::shared_ptr<Ear> ear = std::make_shared<Ear>();
  std::unique_ptr<PipeFactory> factory;
  std::shared_ptr<AgentPipe> pipe;
};

TEST_F(PipeTest, AUnaryPipeOutlivesWhatTheAgentAloneHasFailed) {
  Serve();
  Open(true);
  for (const char* id : {"slow", "busy", "cancelled"}) Send(id);
  ASSERT_TRUE(reasoner->AwaitOpen(3));
  reasoner->Answer("busy", absl::UnavailableError("rate limit"));
  ASSERT_TRUE(AwaitReplies(1));
  pipe->Cancel({{"cancelled", 1}});
  ASSERT_TRUE(AwaitReplies(2));
  Send("next");
  ASSERT_TRUE(reasoner->AwaitOpen(3));  // the one that was cancelled goes on for the memo
  reasoner->Answer("next");
  reasoner->Answer("slow");
  ASSERT_TRUE(AwaitReplies(4));
  EXPECT_TRUE(Now().replies[2].reply.ok());
  EXPECT_TRUE(Now().replies[3].reply.ok());
  EXPECT_FALSE(Now().draining);
  EXPECT_FALSE(Now().closed);
}

// Knows tokens for a while only. Questions named "held" wait.
class FickleAgent : public pb::AgentService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Decide(grpc::CallbackServerContext* context,
                                   const pb::DecideRequest* request, pb::DecideReply*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (request->request_id() == "held") {
      held.Change([&](Held* h) { h->reactor = reactor; });
    } else {
      reactor->Finish({grpc::StatusCode::UNAUTHENTICATED, "not any more"});
    }
    return reactor;
  }
  struct Held {
    grpc::ServerUnaryReactor* reactor = nullptr;
  };
  Watched<Held> held;
};

TEST_F(PipeTest, AUnaryPipeThatClosesSaysSoBeforeItsLastCallEnds) {
  FickleAgent agent;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&agent);
  const auto fickle = builder.BuildAndStart();
  Open(true);
  Send("held");
  ASSERT_TRUE(agent.held.Await([](const auto& h) { return h.reactor != nullptr; }));
  Send("1");
  EXPECT_TRUE(Await([](const Heard& h) { return h.draining; }));
  Send("2");
  Send("3");
  ASSERT_TRUE(AwaitReplies(3));
  const Heard heard = Now();
  EXPECT_FALSE(heard.closed);
  for (size_t i = 1; i <= 2; ++i) {
    EXPECT_EQ(heard.replies[i].request_id, i == 1 ? "2" : "3");
    EXPECT_TRUE(IsWorthAnotherAttempt(heard.replies[i].reply.status()));
    EXPECT_EQ(ErrorNumber(heard.replies[i].reply.status()),
              static_cast<int>(ErrorCode::kAgentUnavailable));
  }
  agent.held.Change([](auto* h) { h->reactor->Finish(grpc::Status::OK); });
  EXPECT_TRUE(Await([](const Heard& h) { return h.closed; }));
  EXPECT_EQ(Now().replies.size(), 4u);
}

// Takes a stream and reads nothing of it before it is told to.
class SlowReader : public pb::AgentService::Service {
 public:
  grpc::Status DecideStream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<pb::DecideReplies, pb::DecideBatch>* stream) override {
    context->AddInitialMetadata(kProtocolKey, kProtocolVersion);
    stream->SendInitialMetadata();
    read.WaitForMs(10'000);
    for (pb::DecideBatch batch; stream->Read(&batch);) {
      got.Change([&](auto* all) { all->push_back(batch); });
    }
    return grpc::Status::OK;
  }
  Notification read;
  Watched<std::vector<pb::DecideBatch>> got;
};

// Flow control holds the first message, and what is sent after it waits.
class HeldStreamTest : public PipeTest {
 protected:
  HeldStreamTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // the window stays small
    builder.RegisterService(&agent);
    held = builder.BuildAndStart();
    Open(false);
    Send("first", 3 << 20);
  }
  ~HeldStreamTest() override {
    agent.read.Notify();
    ClosePipe();
  }
  // All messages after the first, at least up to the one with `last`, which is sent now.
  std::vector<pb::DecideBatch> ReadUntil(const std::string& last) {
    Send(last);
    agent.read.Notify();
    EXPECT_TRUE(agent.got.Await([&](const auto& all) {
      const auto ids = Ids(all);
      return !ids.empty() && ids.back() == last;
    }));
    auto all = agent.got.Change([](auto* got) { return *got; });
    EXPECT_EQ(all.at(0).requests(0).request_id(), "first");
    all.erase(all.begin());
    return all;
  }
  static std::vector<std::string> Ids(const std::vector<pb::DecideBatch>& messages) {
    std::vector<std::string> ids;
    for (const pb::DecideBatch& message : messages) {
      for (const pb::DecideRequest& r : message.requests()) ids.push_back(r.request_id());
    }
    return ids;
  }

  SlowReader agent;
  std::unique_ptr<grpc::Server> held;
};

TEST_F(HeldStreamTest, WhatWasNeverSentIsNotCancelledButLeftOut) {
  Send("1");
  Send("2");
  pipe->Cancel({{"1", 1}, {"2", 7}, {"first", 1}});
  const auto messages = ReadUntil("last");
  EXPECT_THAT(Ids(messages), ElementsAre("2", "last"));
  ASSERT_EQ(messages[0].cancel_size(), 2);
  EXPECT_EQ(messages[0].cancel(0).request_id(), "2");
  EXPECT_EQ(messages[0].cancel(1).request_id(), "first");
}

TEST_F(HeldStreamTest, TimeGoesOnForWhatWaits) {
  Send("short", 2, 50);
  Send("long", 2, 20'000);
  Notification().WaitForMs(100);
  const auto messages = ReadUntil("last");
  EXPECT_THAT(Ids(messages), ElementsAre("long", "last"));
  EXPECT_LE(messages[0].requests(0).timeout_ms(), 19'900);
  EXPECT_GT(messages[0].requests(0).timeout_ms(), 0);
}

TEST_F(HeldStreamTest, MessagesAreBoundedInBytesAndInCancels) {
  std::vector<PipeCancel> cancels;
  for (int i = 0; i < 3000; ++i) cancels.push_back({absl::StrCat("c", i), 1});
  pipe->Cancel(cancels);
  Send("large", 2 << 20);
  for (int i = 0; i < 40; ++i) Send(absl::StrCat("q", i), 60'000);
  const auto messages = ReadUntil("last");
  EXPECT_EQ(Ids(messages).size(), 42u);
  for (const pb::DecideBatch& message : messages) {
    size_t bytes = 0;
    for (const pb::DecideRequest& r : message.requests()) bytes += r.ByteSizeLong();
    EXPECT_TRUE(bytes <= 1 << 20 || message.requests_size() == 1) << bytes;
    EXPECT_LE(message.cancel_size(), 512);
  }
  EXPECT_TRUE(agent.got.Await([](const auto& all) {
    int cancelled = 0;
    for (const pb::DecideBatch& message : all) cancelled += message.cancel_size();
    return cancelled == 3000;
  }));
}

}  // namespace
}  // namespace weir
