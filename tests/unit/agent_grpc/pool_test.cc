// The pool in virtual time, over pipes that the test plays.
#include "agent/grpc/agent_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/testing_env.h"
#include "engine/core/agent_errors.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct FakePipe : AgentPipe {
  size_t endpoint, slot;
  std::shared_ptr<PipeListener> listener;
  std::vector<std::string> sent, cancelled;
  std::vector<size_t> batches;
  bool finished = false, aborted = false, closed = false;

  void Send(std::vector<PipeRequest> requests) override {
    batches.push_back(requests.size());
    for (const PipeRequest& r : requests) sent.push_back(r.request.request_id);
  }
  void Cancel(std::vector<PipeCancel> attempts) override {
    for (const PipeCancel& c : attempts) cancelled.push_back(c.request_id);
  }
  void Finish() override { finished = true; }
  void Abort() override {
    aborted = true;
    Close(absl::CancelledError("aborted"));
  }
  void Close(const Status& status) {
    if (std::exchange(closed, true)) return;
    const auto l = listener;
    l->OnClosed(status);
  }
  void Reply(const std::string& id, StatusOr<AgentReply> reply, int attempt = 0) {
    std::vector<PipeReply> replies;
    replies.push_back({id, std::move(reply), attempt});
    listener->OnReplies(std::move(replies));
  }
  void Quarantine(const std::string& id) {
    AgentReply reply;
    reply.request_id = id;
    reply.verdict = "quarantine";
    reply.tokens_in = 10;
    Reply(id, reply);
  }
};

using Pipes = std::vector<std::shared_ptr<FakePipe>>;

class FakeFactory : public PipeFactory {
 public:
  explicit FakeFactory(std::shared_ptr<Pipes> pipes) : pipes_(std::move(pipes)) {}
  std::shared_ptr<AgentPipe> Open(size_t endpoint, size_t slot,
                                  std::shared_ptr<PipeListener> listener) override {
    auto pipe = std::make_shared<FakePipe>();
    pipe->endpoint = endpoint;
    pipe->slot = slot;
    pipe->listener = std::move(listener);
    pipes_->push_back(pipe);
    return pipe;
  }

 private:
  std::shared_ptr<Pipes> pipes_;
};

class PoolTest : public ::testing::Test {
 protected:
  void Make(AgentPoolConfig config) {
    config.job = "job";
    if (config.endpoints.empty()) config.endpoints = {"a:1"};
    pool = std::make_unique<AgentPool>(config, env.env(), &metrics,
                                       std::make_unique<FakeFactory>(pipes));
  }
  static AgentPoolConfig OneStream() {
    AgentPoolConfig config;
    config.streams = 1;
    return config;
  }
  void Ask(const std::string& id, int attempt = 1, int64_t timeout_ms = 30'000) {
    AgentRequest request;
    request.request_id = id;
    request.attempt = attempt;
    request.deadline_ms = env.clock.NowMs() + timeout_ms;
    pool->Decide(request, [this, id](StatusOr<AgentReply> reply) {
      ++answers[id];
      last[id] = std::move(reply);
    });
  }
  // Time goes on in steps of the pool's tick.
  void Pass(int64_t ms) {
    for (int64_t t = 0; t < ms; t += 100) {
      env.AdvanceMs(100);
      env.RunPending();
    }
  }
  FakePipe& pipe(size_t i) { return *pipes->at(i); }
  // Negative for an error that the loop does not answer with another attempt.
  int Error(const std::string& id) {
    const auto it = last.find(id);
    if (it == last.end() || it->second.ok()) return 0;
    const int number = ErrorNumber(it->second.status());
    return IsWorthAnotherAttempt(it->second.status()) ? number : -number;
  }
  int64_t Metric(const char* name, const MetricLabels& labels = {}) {
    return metrics.Sum(std::string("weir_agent_endpoint_") + name, labels);
  }

  TestEnv env;
  MetricRegistry metrics;
  std::shared_ptr<Pipes> pipes = std::make_shared<Pipes>();
  std::map<std::string, int> answers;
  std::map<std::string, StatusOr<AgentReply>> last;
  std::unique_ptr<AgentPool> pool;
};

constexpr int kUnavailable = static_cast<int>(ErrorCode::kAgentUnavailable);
constexpr int kTimeout = static_cast<int>(ErrorCode::kAgentTimeout);
constexpr int kCapacity = static_cast<int>(ErrorCode::kAgentCapacity);
constexpr int kBreaker = -kUnavailable;  // with no further attempt

TEST_F(PoolTest, WhatATurnAsksGoesOutTogetherAndComesBackInAnyOrder) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  for (const char* id : {"1", "2", "3"}) Ask(id);
  EXPECT_THAT(pipe(0).sent, IsEmpty());  // nothing on the caller's thread
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, ElementsAre("1", "2", "3"));
  EXPECT_THAT(pipe(0).batches, ElementsAre(3));
  pipe(0).Quarantine("3");
  pipe(0).Quarantine("1");
  EXPECT_EQ(answers["3"] + answers["1"], 2);
  EXPECT_EQ(answers.count("2"), 0u);
  pipe(0).Quarantine("2");
  pipe(0).Quarantine("2");  // once more
  pipe(0).Quarantine("9");  // never asked
  EXPECT_EQ(answers["2"], 1);
  EXPECT_EQ(last["2"]->verdict, "quarantine");
  EXPECT_EQ(Metric("calls_total"), 3);
  EXPECT_EQ(Metric("replies_total"), 3);
  EXPECT_EQ(Metric("unknown_replies_total"), 2);
  EXPECT_EQ(Metric("tokens_total", {{"direction", "in"}}), 30);
}

TEST_F(PoolTest, WaitsForAnAgentThatComesLate) {
  Make(OneStream());
  Ask("1");
  for (int second = 0; second < 10; ++second) {  // refused again and again
    for (size_t i = 0; i < pipes->size(); ++i) {
      pipe(i).Close(absl::UnavailableError("connection refused"));
    }
    Pass(1000);
    if (second == 9) Ask("1", 2);  // the loop's attempt times out: it stands in the first's place
  }
  EXPECT_EQ(answers["1"], 0);
  EXPECT_GT(pipes->size(), 4u);
  EXPECT_LT(pipes->size(), 20u);                 // it does not hammer
  EXPECT_EQ(Metric("streams_opened_total"), 0);  // those were attempts
  while (pipes->back()->closed) Pass(100);
  pipes->back()->listener->OnReady();
  EXPECT_EQ(Metric("streams_opened_total"), 1);
  EXPECT_THAT(pipes->back()->sent, ElementsAre("1"));
  pipes->back()->Quarantine("1");
  EXPECT_EQ(answers["1"], 1);
  EXPECT_TRUE(last["1"].ok());
}

TEST_F(PoolTest, ABrokenStreamGivesItsRequestsBackAndIsReplaced) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  Ask("1");
  Ask("2");
  env.RunPending();
  Pass(2000);
  pipe(0).Close(absl::UnavailableError("cut"));
  EXPECT_EQ(Error("1"), kUnavailable);
  EXPECT_EQ(Error("2"), kUnavailable);
  ASSERT_THAT(*pipes, SizeIs(2));
  pipe(1).listener->OnReady();
  Pass(100);
  EXPECT_THAT(pipe(1).sent, IsEmpty());  // asking again is the loop's business
  Ask("1", 2);
  env.RunPending();
  EXPECT_THAT(pipe(1).sent, ElementsAre("1"));
}

TEST_F(PoolTest, AStreamOfAgeIsReplacedAndNothingIsLost) {
  AgentPoolConfig config = OneStream();
  config.stream_age_ns = 60'000'000'000;
  Make(config);
  pipe(0).listener->OnReady();
  Ask("1", 1, 600'000);
  env.RunPending();
  Pass(61'000);
  ASSERT_THAT(*pipes, SizeIs(2));
  pipe(1).listener->OnReady();
  EXPECT_FALSE(pipe(0).finished);  // it still owes a reply
  Ask("2");
  env.RunPending();
  EXPECT_THAT(pipe(1).sent, ElementsAre("2"));
  pipe(0).Quarantine("1");
  EXPECT_TRUE(last["1"].ok());
  EXPECT_TRUE(pipe(0).finished);
  pipe(0).Close(absl::OkStatus());
  EXPECT_THAT(*pipes, SizeIs(2));
  EXPECT_EQ(Metric("errors_total"), 0);
}

TEST_F(PoolTest, AnAgentThatWantsToGoIsLetGo) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  Pass(2000);
  pipe(0).listener->OnDraining();
  EXPECT_TRUE(pipe(0).finished);
  ASSERT_THAT(*pipes, SizeIs(2));
  // One that says so each time at once is not asked in a tight loop.
  pipe(1).listener->OnReady();
  pipe(1).listener->OnDraining();
  EXPECT_THAT(*pipes, SizeIs(2));
  Pass(300);
  EXPECT_THAT(*pipes, SizeIs(3));
}

TEST_F(PoolTest, DeadlineCancelsAndAnswers) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  Ask("1", 1, 1000);
  env.RunPending();
  Pass(900);
  EXPECT_EQ(answers["1"], 0);
  Pass(200);
  EXPECT_EQ(Error("1"), kTimeout);
  EXPECT_THAT(pipe(0).cancelled, ElementsAre("1"));
  pipe(0).Quarantine("1");
  EXPECT_EQ(answers["1"], 1);
  Ask("2", 1, 0);
  EXPECT_EQ(Error("2"), kTimeout);
  EXPECT_EQ(pipe(0).sent.size(), 1u);
}

TEST_F(PoolTest, TheErrorOfAnEarlierAttemptIsPassedOver) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  Ask("1", 1, 1000);
  env.RunPending();
  Pass(1100);
  Ask("1", 2);
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, ElementsAre("1", "1"));
  pipe(0).Reply("1", Err(ErrorCode::kAgentTimeout, "too late"), 1);
  EXPECT_EQ(answers["1"], 1);  // the first one's
  pipe(0).Reply("1", Err(ErrorCode::kAgentCapacity, "full"), 2);
  EXPECT_EQ(answers["1"], 2);
  EXPECT_EQ(Error("1"), kCapacity);
}

TEST_F(PoolTest, ARequestThatNoPipeTookTimesOutToo) {
  Make(OneStream());
  Ask("1", 1, 500);
  Pass(600);
  EXPECT_EQ(Error("1"), kTimeout);
}

TEST_F(PoolTest, InFlightIsBounded) {
  AgentPoolConfig config = OneStream();
  config.in_flight = 2;
  Make(config);
  pipe(0).listener->OnReady();
  for (const char* id : {"1", "2", "3"}) Ask(id);
  EXPECT_EQ(Error("3"), kCapacity);
  env.RunPending();
  pipe(0).Quarantine("1");
  Ask("4");
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, ElementsAre("1", "2", "4"));
}

TEST_F(PoolTest, ADeadEndpointOpensTheBreakerAndFailsFast) {
  Make(OneStream());
  Ask("1", 1, 600'000);
  for (int i = 0; i < 300 && answers["1"] == 0; ++i) {
    for (const auto& p : Pipes(*pipes)) p->Close(absl::UnavailableError("refused"));
    Pass(100);
  }
  EXPECT_EQ(Error("1"), kBreaker);
  Ask("2");
  EXPECT_EQ(Error("2"), kBreaker);  // before anything runs
  EXPECT_EQ(Metric("breaker_opened_total"), 1);
  EXPECT_EQ(Metric("breaker_state"), 2);
  // It comes back: one request tries, the others still fail fast.
  while (pipes->back()->closed) Pass(100);
  pipes->back()->listener->OnReady();
  Ask("3");
  Ask("4");
  env.RunPending();
  EXPECT_EQ(Error("4"), kBreaker);
  EXPECT_THAT(pipes->back()->sent, ElementsAre("3"));
  pipes->back()->Quarantine("3");
  Ask("5");
  env.RunPending();
  EXPECT_THAT(pipes->back()->sent, ElementsAre("3", "5"));
  Pass(100);
  EXPECT_EQ(Metric("breaker_state"), 0);
}

TEST_F(PoolTest, AProbeWhoseStreamBreaksOpensTheBreakerAgain) {
  AgentPoolConfig config = OneStream();
  config.breaker.after_ns = 0;
  config.breaker.failures = 1;
  Make(config);
  pipe(0).Close(absl::UnavailableError("refused"));
  Pass(300);
  ASSERT_THAT(*pipes, SizeIs(2));
  pipe(1).listener->OnReady();
  Ask("1");
  env.RunPending();
  EXPECT_THAT(pipe(1).sent, ElementsAre("1"));
  Pass(100);
  pipe(1).Close(absl::UnavailableError("cut"));
  EXPECT_EQ(Error("1"), kUnavailable);
  Ask("2");
  EXPECT_EQ(Error("2"), kBreaker);
}

// The other replica's answer came first: the probe is cancelled, and says nothing about its own.
TEST_F(PoolTest, AProbeThatIsCancelledLetsAnotherTry) {
  AgentPoolConfig config = OneStream();
  config.endpoints = {"a:1", "b:1"};
  config.breaker.after_ns = 0;
  config.breaker.failures = 2;
  Make(config);
  pipe(0).listener->OnReady();
  for (size_t i = 1; i <= 2; ++i) {
    pipe(i).Close(absl::UnavailableError("refused"));
    Pass(500);
  }
  ASSERT_THAT(*pipes, SizeIs(4));
  pipe(3).listener->OnReady();  // half-open
  Ask("1");
  env.RunPending();
  Ask("1", 2);
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, ElementsAre("1"));
  EXPECT_THAT(pipe(3).sent, ElementsAre("1"));
  pipe(0).Quarantine("1");
  EXPECT_THAT(pipe(3).cancelled, ElementsAre("1"));
  Ask("2");
  Ask("3");
  env.RunPending();
  EXPECT_THAT(pipe(3).sent, ElementsAre("1", "3"));
  pipe(3).Quarantine("3");
  Pass(100);
  EXPECT_EQ(Metric("breaker_state"), 0);
}

TEST_F(PoolTest, SilenceOpensTheBreakerBeforeTheOverallTimeout) {
  AgentPoolConfig config = OneStream();
  Make(config);
  pipe(0).listener->OnReady();
  for (int attempt = 1; attempt <= 3; ++attempt) {  // the loop's attempts: 0, 10 and 20 s
    for (int i = 0; i < 5; ++i) Ask(std::to_string(i), attempt);
    env.RunPending();
    if (attempt < 3) Pass(10'000);
  }
  EXPECT_EQ(Error("4"), kBreaker);
  EXPECT_THAT(pipe(0).sent, SizeIs(5));  // never twice on one stream
  pipe(0).Quarantine("4");               // a late reply is still told
  EXPECT_EQ(answers["4"], 2);
  EXPECT_TRUE(last["4"].ok());
}

TEST_F(PoolTest, TheNextAttemptGoesToAnotherReplica) {
  AgentPoolConfig config = OneStream();
  config.endpoints = {"a:1", "b:1"};
  Make(config);
  ASSERT_THAT(*pipes, SizeIs(2));
  pipe(0).listener->OnReady();
  pipe(1).listener->OnReady();
  Ask("1");
  env.RunPending();
  EXPECT_EQ(pipe(0).sent.size() + pipe(1).sent.size(), 1u);
  Pass(10'000);
  Ask("1", 2);
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, ElementsAre("1"));
  EXPECT_THAT(pipe(1).sent, ElementsAre("1"));
  pipe(1).Quarantine("1");
  EXPECT_EQ(answers["1"], 1);
  EXPECT_THAT(pipe(0).cancelled, ElementsAre("1"));
  pipe(0).Quarantine("1");
  EXPECT_EQ(answers["1"], 1);
}

TEST_F(PoolTest, SpreadsOverReplicasAndGoesAroundADeadOne) {
  AgentPoolConfig config = OneStream();
  config.endpoints = {"a:1", "b:1"};
  Make(config);
  pipe(0).listener->OnReady();
  pipe(1).listener->OnReady();
  for (int i = 0; i < 10; ++i) Ask(std::to_string(i));
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, SizeIs(5));
  EXPECT_THAT(pipe(1).sent, SizeIs(5));
  pipe(1).Close(absl::UnavailableError("gone"));
  for (int i = 10; i < 14; ++i) Ask(std::to_string(i));
  env.RunPending();
  EXPECT_THAT(pipe(0).sent, SizeIs(9));
}

TEST_F(PoolTest, AStreamThatNeverGetsReadyIsGivenUp) {
  Make(OneStream());
  Pass(5200);
  EXPECT_TRUE(pipe(0).aborted);
  Pass(500);
  EXPECT_THAT(*pipes, SizeIs(2));
}

TEST_F(PoolTest, AnErrorOfTheAgentIsPassedOn) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  Ask("1");
  env.RunPending();
  pipe(0).Reply("1", Err(ErrorCode::kAgentRefused, "no"));
  EXPECT_EQ(Error("1"), -static_cast<int>(ErrorCode::kAgentRefused));
  EXPECT_EQ(Metric("errors_total", {{"reason", "reply"}}), 1);
}

TEST_F(PoolTest, ClosingAnswersWhatIsUnderWay) {
  Make(OneStream());
  pipe(0).listener->OnReady();
  Ask("1");
  env.RunPending();
  Ask("2");
  pool.reset();
  EXPECT_EQ(Error("1"), kUnavailable);
  EXPECT_EQ(Error("2"), kUnavailable);
  EXPECT_TRUE(pipe(0).aborted);
  Pass(1000);  // timers that are left do nothing
}

}  // namespace
}  // namespace weir
