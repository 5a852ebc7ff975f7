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
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

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
  ~PipeTest() override {
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

}  // namespace
}  // namespace weir
