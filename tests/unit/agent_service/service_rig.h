// A real server in this process, a reasoner that the test plays, and the real client.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/grpc/grpc_agent.h"
#include "agent/service/agent_server.h"
#include "engine/base/env.h"
#include "engine/base/notification.h"
#include "engine/core/agent_errors.h"
#include "engine/core/metered_channel.h"

namespace weir {

// Something that several threads change and the test waits for.
template <typename T>
class Watched {
 public:
  template <typename Fn>
  auto Change(Fn&& fn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
    return fn(&value_);
  }
  // False after 10 s.
  template <typename Fn>
  bool Await(Fn&& fn) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return fn(value_); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  T value_;
};

class PlayedReasoner : public AgentChannel {
 public:
  using Done = std::function<void(StatusOr<AgentReply>)>;
  explicit PlayedReasoner(bool at_once) : at_once_(at_once) {}

  static AgentReply Quarantine(const std::string& id) {
    AgentReply reply;
    reply.request_id = id;
    reply.verdict = "quarantine";
    reply.reason = "because of " + id;
    reply.confidence = 0.5;
    reply.rules.push_back({"src_ip == \"1\"", "block", 5000, "r"});
    reply.agent = "played/1";
    reply.tokens_in = 7;
    reply.tokens_out = 3;
    return reply;
  }
  void Decide(const AgentRequest& request, Done done) override {
    asked_.Change([&](auto* asked) { asked->push_back(request); });
    if (at_once_) return done(Quarantine(request.request_id));
    open_.Change([&](auto* open) { (*open)[request.request_id] = std::move(done); });
  }
  bool AwaitOpen(size_t n) {
    return open_.Await([n](const auto& open) { return open.size() >= n; });
  }
  void Answer(const std::string& id, StatusOr<AgentReply> reply) {
    Done done = open_.Change([&](auto* open) {
      Done found = std::move((*open)[id]);
      open->erase(id);
      return found;
    });
    ASSERT_TRUE(done) << id;
    done(std::move(reply));
  }
  void Answer(const std::string& id) { Answer(id, Quarantine(id)); }
  std::vector<AgentRequest> asked() {
    return asked_.Change([](auto* asked) { return *asked; });
  }

 private:
  const bool at_once_;
  Watched<std::map<std::string, Done>> open_;
  Watched<std::vector<AgentRequest>> asked_;
};

class ServiceTest : public ::testing::Test {
 protected:
  ~ServiceTest() override {
    channel.reset();
    server.reset();
  }
  void Serve(AgentServerOptions options = {}, bool at_once = false) {
    reasoner = std::make_shared<PlayedReasoner>(at_once);
    auto made = AgentServer::Start(options, real.env(), reasoner, &server_metrics);
    ASSERT_TRUE(made.ok()) << FormatError(made.status());
    server = *std::move(made);
    port = server->port();
  }
  void Connect(const std::string& parameters = "", const std::string& scheme = "grpc") {
    const AgentChannelType type = scheme == "grpc" ? GrpcAgentType() : GrpcsAgentType();
    auto made = type.create(real.env(), absl::StrCat(scheme, "://127.0.0.1:", port, parameters));
    ASSERT_TRUE(made.ok()) << FormatError(made.status());
    channel = *std::move(made);
    dynamic_cast<MeteredAgentChannel&>(*channel).UseMetrics(&metrics, "job");
  }
  AgentRequest Request(const std::string& id, int64_t timeout_ms = 20'000) {
    AgentRequest request;
    request.request_id = id;
    request.job = "job";
    request.operator_uid = "guard";
    request.signature = "src_ip=\"1\"";
    request.context_json = "{\"event\":{}}";
    request.event_time_ms = 1234;
    request.deadline_ms = real.env().clock->NowMs() + timeout_ms;
    return request;
  }
  void Ask(const AgentRequest& request) {
    channel->Decide(request, [this, id = request.request_id](StatusOr<AgentReply> reply) {
      replies.Change([&](auto* all) { (*all)[id].push_back(std::move(reply)); });
    });
  }
  void Ask(const std::string& id) { Ask(Request(id)); }
  // The first reply to `id`.
  StatusOr<AgentReply> Await(const std::string& id) {
    const bool come = replies.Await([&](const auto& all) { return all.count(id) > 0; });
    if (!come) return absl::InternalError("no reply within 10 s");
    return replies.Change([&](auto* all) { return (*all)[id].front(); });
  }
  // Negative for an error that the loop does not answer with another attempt.
  int Error(const std::string& id) {
    const Status status = Await(id).status();
    return IsWorthAnotherAttempt(status) ? ErrorNumber(status) : -ErrorNumber(status);
  }
  int64_t Served(const char* name) {
    return server_metrics.Sum(absl::StrCat("weir_agent_service_", name, "_total"));
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + "/" + name;
    EXPECT_TRUE(real.env().fs->WriteFileAtomic(path, text).ok());
    return path;
  }

  RealEnv real{4};
  MetricRegistry metrics, server_metrics;
  Watched<std::map<std::string, std::vector<StatusOr<AgentReply>>>> replies;
  std::shared_ptr<PlayedReasoner> reasoner;
  std::unique_ptr<AgentServer> server;
  std::shared_ptr<AgentChannel> channel;
  int port = 0;
};

}  // namespace weir
