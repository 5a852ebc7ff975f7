// Client and service over a real connection. Timing is not asserted; every wait is for an event.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <set>

#include "agent/grpc/wire.h"
#include "agent/service/agent_service.h"
#include "service_rig.h"
#include "weir/agent/v1/agent_service.grpc.pb.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kUnavailable = static_cast<int>(ErrorCode::kAgentUnavailable);
constexpr int kBreaker = -kUnavailable;  // with no further attempt

TEST_F(ServiceTest, EverythingThatAReplySaysArrives) {
  Serve();
  Connect();
  Ask("a1");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  const AgentRequest asked = reasoner->asked()[0];
  EXPECT_EQ(asked.request_id, "a1");
  EXPECT_EQ(asked.job, "job");
  EXPECT_EQ(asked.operator_uid, "guard");
  EXPECT_EQ(asked.signature, "src_ip=\"1\"");
  EXPECT_EQ(asked.context_json, "{\"event\":{}}");
  EXPECT_EQ(asked.event_time_ms, 1234);
  reasoner->Answer("a1");
  const auto reply = Await("a1");
  ASSERT_TRUE(reply.ok()) << FormatError(reply.status());
  EXPECT_EQ(reply->request_id, "a1");
  EXPECT_EQ(reply->verdict, "quarantine");
  EXPECT_EQ(reply->reason, "because of a1");
  EXPECT_EQ(reply->confidence, 0.5);
  EXPECT_EQ(reply->agent, "played/1");
  EXPECT_EQ(reply->tokens_in, 7);
  EXPECT_EQ(reply->tokens_out, 3);
  ASSERT_THAT(reply->rules, SizeIs(1));
  EXPECT_EQ(reply->rules[0].predicate, "src_ip == \"1\"");
  EXPECT_EQ(reply->rules[0].ttl_ms, 5000);
}

TEST_F(ServiceTest, ManyAtOnceInAnyOrder) {
  Serve();
  Connect("?batch=16");
  for (int i = 0; i < 500; ++i) Ask(absl::StrCat("q", i));
  ASSERT_TRUE(reasoner->AwaitOpen(500));
  for (int i = 499; i >= 0; --i) reasoner->Answer(absl::StrCat("q", i));
  for (int i = 0; i < 500; ++i) {
    const auto reply = Await(absl::StrCat("q", i));
    ASSERT_TRUE(reply.ok()) << FormatError(reply.status());
    EXPECT_EQ(reply->reason, absl::StrCat("because of q", i));
  }
  EXPECT_EQ(Served("asked"), 500);
}

TEST_F(ServiceTest, Unary) {
  Serve({}, true);
  Connect("?unary=true");
  for (int i = 0; i < 50; ++i) Ask(absl::StrCat("q", i));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Await(absl::StrCat("q", i)).ok());
  AgentRequest bad = Request("bad");
  bad.context_json = std::string(100'000, 'x');
  Ask(bad);
  EXPECT_EQ(Error("bad"), -static_cast<int>(ErrorCode::kAgentRefused));
}

TEST_F(ServiceTest, ErrorsKeepTheirMeaning) {
  Serve();
  Connect();
  for (const char* id : {"a", "b", "c"}) Ask(id);
  ASSERT_TRUE(reasoner->AwaitOpen(3));
  reasoner->Answer("a", absl::UnavailableError("the model is away\x1b[2J"));
  reasoner->Answer("b", WithRetryAfter(absl::ResourceExhaustedError("rate limit"), 1500));
  reasoner->Answer("c", Err(ErrorCode::kAgentBadReply, "no JSON"));
  EXPECT_EQ(Error("a"), kUnavailable);
  EXPECT_EQ(Error("b"), static_cast<int>(ErrorCode::kAgentCapacity));
  EXPECT_EQ(RetryAfterMs(Await("b").status()), 1500);
  EXPECT_EQ(Error("c"), -static_cast<int>(ErrorCode::kAgentBadReply));
  EXPECT_THAT(FormatError(Await("a").status()), HasSubstr("\\"));  // no terminal codes
}

TEST_F(ServiceTest, HostileRequestsAreRefusedOneByOne) {
  Serve({}, true);
  Connect();
  AgentRequest large = Request("large");
  large.context_json = std::string(65 * 1024, 'x');
  AgentRequest strange = Request("../../etc");
  Ask(large);
  Ask(strange);
  Ask("good");
  EXPECT_EQ(Error("large"), -static_cast<int>(ErrorCode::kAgentRefused));
  EXPECT_EQ(Error("../../etc"), -static_cast<int>(ErrorCode::kAgentRefused));
  EXPECT_TRUE(Await("good").ok());
  EXPECT_EQ(Served("refused"), 2);
}

TEST_F(ServiceTest, CallsAreCountedByMethodAndOutcome) {
  const auto calls = [this](const char* method, const char* outcome) {
    return server_metrics.Sum("weir_agent_service_calls_total",
                              {{"method", method}, {"outcome", outcome}});
  };
  Serve({}, true);
  Connect("?streams=1");
  AgentRequest strange = Request("../../etc");
  Ask(strange);
  for (const char* id : {"1", "2", "3"}) Ask(id);
  for (const char* id : {"1", "2", "3"}) EXPECT_TRUE(Await(id).ok());
  EXPECT_FALSE(Await("../../etc").ok());
  EXPECT_EQ(calls("DecideStream", "ok"), 3);
  EXPECT_EQ(calls("DecideStream", "invalid_argument"), 1);
  EXPECT_EQ(server_metrics.Sum("weir_agent_service_streams"), 1);
  EXPECT_EQ(Served("streams_opened"), 1);
  Connect("?unary=true");
  Ask("4");
  EXPECT_TRUE(Await("4").ok());
  EXPECT_EQ(calls("Decide", "ok"), 1);
  channel.reset();
  server.reset();
  EXPECT_EQ(server_metrics.Sum("weir_agent_service_streams"), 0);
}

TEST_F(ServiceTest, TheServiceHasABound) {
  AgentServerOptions options;
  options.desk.max_in_flight = 2;
  Serve(options);
  Connect("?streams=1");
  Ask("1");
  Ask("2");
  ASSERT_TRUE(reasoner->AwaitOpen(2));
  Ask("3");
  EXPECT_EQ(Error("3"), static_cast<int>(ErrorCode::kAgentCapacity));
  reasoner->Answer("1");
  EXPECT_TRUE(Await("1").ok());
  Ask("4");
  EXPECT_TRUE(reasoner->AwaitOpen(2));
}

TEST_F(ServiceTest, ADeadlineThatPassesIsAnsweredAndTheQuestionGoesOn) {
  Serve();
  Connect();
  Ask(Request("1", 300));
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  EXPECT_EQ(Error("1"), static_cast<int>(ErrorCode::kAgentTimeout));
  // Asked again, it joins what was paid for already.
  replies.Change([](auto* all) { all->clear(); });
  AgentRequest again = Request("1");
  again.attempt = 2;
  Ask(again);
  for (int i = 0; i < 1000 && Served("joined") == 0; ++i) Notification().WaitForMs(10);
  reasoner->Answer("1");
  EXPECT_TRUE(Await("1").ok());
  EXPECT_THAT(reasoner->asked(), SizeIs(1));
}

// The client's threads may send the next attempt before the cancel of the one that it follows.
TEST_F(ServiceTest, ALateCancelConcernsItsOwnAttemptOnly) {
  Serve();
  const auto stub = agent::v1::AgentService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->DecideStream(&context);
  const auto ask = [&](const std::string& id, int attempt) {
    AgentRequest request = Request(id);
    request.attempt = attempt;
    agent::v1::DecideBatch batch;
    RequestToProto({request, 20'000}, batch.add_requests());
    ASSERT_TRUE(stream->Write(batch));
  };
  ask("1", 1);
  ask("1", 2);
  agent::v1::DecideBatch late;
  late.add_cancel()->set_request_id("1");
  late.mutable_cancel(0)->set_attempt(1);
  ASSERT_TRUE(stream->Write(late));
  ask("2", 1);
  ASSERT_TRUE(reasoner->AwaitOpen(2));
  reasoner->Answer("1");
  agent::v1::DecideReplies got;
  ASSERT_TRUE(stream->Read(&got));
  EXPECT_EQ(got.replies(0).verdict(), "quarantine");
  EXPECT_EQ(got.replies(0).attempt(), 2);
  EXPECT_EQ(Served("cancelled"), 1);
  EXPECT_EQ(Served("joined"), 1);
  reasoner->Answer("2");
  stream->WritesDone();
}

TEST_F(ServiceTest, ACancelMayComeInTheMessageOfItsRequest) {
  Serve();
  const auto stub = agent::v1::AgentService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->DecideStream(&context);
  agent::v1::DecideBatch both;
  RequestToProto({Request("1"), 20'000}, both.add_requests());
  RequestToProto({Request("2"), 20'000}, both.add_requests());
  both.add_cancel()->set_request_id("1");
  both.mutable_cancel(0)->set_attempt(Request("1").attempt);
  ASSERT_TRUE(stream->Write(both));
  ASSERT_TRUE(reasoner->AwaitOpen(2));
  for (int i = 0; i < 100 && Served("cancelled") == 0; ++i) Notification().WaitForMs(10);
  EXPECT_EQ(Served("cancelled"), 1);
  reasoner->Answer("1");
  reasoner->Answer("2");
  agent::v1::DecideReplies got;
  ASSERT_TRUE(stream->Read(&got));
  EXPECT_EQ(got.replies(0).request_id(), "2");
  stream->WritesDone();
}

// The desk tells those who wait one after the other. Here the second attempt comes while it tells
// the first one of them, so the answer to the first attempt is on its way already.
TEST_F(ServiceTest, AnAnswerOnItsWayServesTheNextAttempt) {
  reasoner = std::make_shared<PlayedReasoner>(false);
  const Env env = real.env();
  auto desk = std::make_shared<DecisionDesk>(
      DeskConfig(), env, reasoner, AuditLog::Open(env.fs, env.clock, "").value(), &server_metrics);
  AgentService service(env, desk, {}, 1);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto own = builder.BuildAndStart();
  const auto stub = agent::v1::AgentService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->DecideStream(&context);
  AgentRequest request = Request("1");
  const auto ask = [&](int attempt) {
    request.attempt = attempt;
    agent::v1::DecideBatch batch;
    RequestToProto({request, 20'000}, batch.add_requests());
    EXPECT_TRUE(stream->Write(batch));
  };
  desk->Ask(request, 20'000, [&](const StatusOr<AgentReply>&) {
    ask(2);
    EXPECT_TRUE(reasoner->AwaitOpen(1));  // anew: what was under way is over
  });
  ask(1);
  for (int i = 0; i < 1000 && Served("joined") == 0; ++i) Notification().WaitForMs(10);
  reasoner->Answer("1");
  for (int i = 0; i < 200 && desk->waiting() > 0; ++i) Notification().WaitForMs(10);
  ASSERT_EQ(desk->waiting(), 0u);  // for the second attempt nobody waits any more
  stream->WritesDone();
  agent::v1::DecideReplies got;
  EXPECT_TRUE(stream->Read(&got));
  ASSERT_EQ(got.replies_size(), 1);
  EXPECT_EQ(got.replies(0).verdict(), "quarantine");
  EXPECT_EQ(got.replies(0).attempt(), 2);
  EXPECT_FALSE(stream->Read(&got));
}

TEST_F(ServiceTest, TheSameQuestionTwiceIsOneQuestion) {
  Serve();
  Connect("?streams=2");
  const auto ready = [&] { return metrics.Sum("weir_agent_endpoint_streams"); };
  for (int i = 0; i < 1000 && ready() < 2; ++i) Notification().WaitForMs(10);
  Ask("1");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  AgentRequest again = Request("1");
  again.attempt = 2;
  Ask(again);  // the loop's second attempt, on the other stream
  for (int i = 0; i < 1000 && Served("joined") == 0; ++i) Notification().WaitForMs(10);
  EXPECT_EQ(Served("joined"), 1);
  reasoner->Answer("1");
  EXPECT_TRUE(Await("1").ok());
  EXPECT_THAT(reasoner->asked(), SizeIs(1));
}

TEST_F(ServiceTest, StreamsAreRenewedByTheServerAndNothingIsLost) {
  AgentServerOptions options;
  options.max_stream_age_ms = 200;
  Serve(options);
  Connect("?streams=1");
  Ask("held");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  const auto opened = [&] { return metrics.Sum("weir_agent_endpoint_streams_opened_total"); };
  for (int i = 0; i < 1000 && opened() < 3; ++i) Notification().WaitForMs(10);
  EXPECT_GE(opened(), 3);
  reasoner->Answer("held");
  const auto reply = Await("held");
  EXPECT_TRUE(reply.ok()) << FormatError(reply.status());
  EXPECT_EQ(metrics.Sum("weir_agent_endpoint_errors_total"), 0);
}

TEST_F(ServiceTest, AStreamThatIsCutGivesItsRequestsBack) {
  AgentServerOptions options;
  options.max_stream_age_ms = 100;
  options.stream_grace_ms = 100;
  Serve(options);
  Connect();
  Ask("1");
  EXPECT_EQ(Error("1"), kUnavailable);
  Ask("2");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
}

TEST_F(ServiceTest, TheServerMayDieAndComeBack) {
  Serve();
  Connect("?connect_timeout=1s");
  Ask("1");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  server.reset();
  EXPECT_EQ(Error("1"), kUnavailable);
  Ask("2");  // nobody is there: it waits
  AgentServerOptions options;
  options.listen = absl::StrCat("127.0.0.1:", port);
  Serve(options, true);
  EXPECT_TRUE(Await("2").ok());
}

TEST_F(ServiceTest, AUnaryServerMayDieAndComeBack) {
  Serve();
  Connect("?unary=true&connect_timeout=1s&streams=1");
  Ask("1");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  server.reset();
  EXPECT_EQ(Error("1"), kUnavailable);
  AgentServerOptions options;
  options.listen = absl::StrCat("127.0.0.1:", port);
  Serve(options, true);
  bool answered = false;
  for (int i = 2; i < 50 && !answered; ++i) {  // the loop's part: what fails is asked again
    Ask(absl::StrCat(i));
    answered = Await(absl::StrCat(i)).ok();
    if (!answered) Notification().WaitForMs(100);
  }
  EXPECT_TRUE(answered);
}

TEST_F(ServiceTest, ADeadEndpointFailsFastAfterAWhile) {
  Serve();
  server.reset();
  Connect("?breaker_after=300ms&breaker_failures=2&breaker_cooldown=1h");
  Ask("1");
  EXPECT_EQ(Error("1"), kBreaker);
  Ask("2");
  EXPECT_EQ(Error("2"), kBreaker);
}

TEST_F(ServiceTest, DrainFinishesWhatIsUnderWayAndTakesNothingNew) {
  Serve();
  Connect();
  Ask("1");
  ASSERT_TRUE(reasoner->AwaitOpen(1));
  server->Drain();
  EXPECT_FALSE(server->idle());
  reasoner->Answer("1");
  EXPECT_TRUE(Await("1").ok());
  for (int i = 0; i < 1000 && !server->idle(); ++i) Notification().WaitForMs(10);
  EXPECT_TRUE(server->idle());
}

TEST_F(ServiceTest, ATokenIsAskedFor) {
  const std::string right = File("right", "0123456789abcdef0123\nsecond-token-of-rotation\n");
  AgentServerOptions options;
  options.token_file = right;
  Serve(options, true);
  Connect("?token_env=NONE&breaker_after=0s&breaker_failures=1");
  Ask("without");
  EXPECT_EQ(Error("without"), kBreaker);
  Connect("?breaker_after=0s&breaker_failures=1&token_file=" + File("wrong", "0123456789abcdef"));
  Ask("wrong");
  EXPECT_EQ(Error("wrong"), kBreaker);
  Connect("?token_file=" + File("other", "second-token-of-rotation"));
  Ask("right");
  EXPECT_TRUE(Await("right").ok());
  Connect("?unary=true&token_file=" + File("other", "second-token-of-rotation"));
  Ask("unary");
  EXPECT_TRUE(Await("unary").ok());
  EXPECT_EQ(Served("asked"), 2);
}

TEST_F(ServiceTest, TheAuditLogTellsWhatWasAsked) {
  AgentServerOptions options;
  options.audit_log = File("audit", "");
  Serve(options, true);
  Connect();
  Ask("1");
  EXPECT_TRUE(Await("1").ok());
  const std::string text = real.env().fs->ReadFile(options.audit_log).value();
  EXPECT_THAT(text, HasSubstr("\"event\":\"asked\",\"request_id\":\"1\",\"job\":\"job\""));
  EXPECT_THAT(text, HasSubstr("\"event\":\"answered\",\"request_id\":\"1\""));
  EXPECT_THAT(text, HasSubstr("\"verdict\":\"quarantine\",\"rules\":1"));
}

TEST_F(ServiceTest, SettingsThatCannotServeAreRefused) {
  const auto error = [&](const AgentServerOptions& options) {
    auto made = AgentServer::Start(options, real.env(), nullptr, &server_metrics);
    return made.ok() ? std::string("serves") : FormatError(made.status());
  };
  AgentServerOptions open;
  open.listen = "0.0.0.0:0";
  EXPECT_THAT(error(open), HasSubstr("not the loopback"));
  open.token_file = File("short", "short\n");
  EXPECT_THAT(error(open), HasSubstr("fewer than 16"));
  open.token_file = File("fine", "0123456789abcdef");
  open.reflection = true;
  EXPECT_THAT(error(open), HasSubstr("reflection"));
  AgentServerOptions half;
  half.tls_cert_file = File("cert", "x");
  EXPECT_THAT(error(half), HasSubstr("come together"));
  AgentServerOptions taken;
  Serve();
  taken.listen = absl::StrCat("127.0.0.1:", port);
  EXPECT_THAT(error(taken), HasSubstr("cannot listen"));
}

}  // namespace
}  // namespace weir
