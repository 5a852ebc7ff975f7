// What stands behind the interfaces of agent/reason in its tests.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/http_client.h"
#include "engine/core/agent_channel.h"
#include "engine/core/memo.h"
#include "engine/model/value.h"

namespace weir {

// Answers from a script, at once; without one, when it goes.
class FakeHttp : public HttpClient {
 public:
  ~FakeHttp() override {
    for (auto& done : kept) done(Err(ErrorCode::kHttpUnavailable, "closed"));
  }
  void Send(HttpRequest request, std::function<void(StatusOr<HttpResponse>)> done) override {
    requests.push_back(std::move(request));
    if (script.empty()) return kept.push_back(std::move(done));
    StatusOr<HttpResponse> next = std::move(script.front());
    script.pop_front();
    done(std::move(next));
  }
  void Respond(int status, std::string body, HttpHeaders headers = {}) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    script.emplace_back(std::move(response));
  }
  Value Body(size_t i) const { return *ParseJson(requests.at(i).body); }

  std::deque<StatusOr<HttpResponse>> script;
  std::vector<HttpRequest> requests;
  std::vector<std::function<void(StatusOr<HttpResponse>)>> kept;
};

// Keeps everything; `silent` = Gets are never answered.
class FakeMemo : public Memo {
 public:
  void Get(const std::string& key, int64_t,
           std::function<void(std::optional<std::string>)> done) override {
    ++gets;
    if (silent) return pending.push_back(std::move(done));
    const auto it = entries.find(key);
    done(it == entries.end() ? std::nullopt : std::optional<std::string>(it->second));
  }
  void Put(const std::string& key, std::string value, int64_t ttl_ms) override {
    entries[key] = std::move(value);
    ttls.push_back(ttl_ms);
  }

  std::map<std::string, std::string> entries;
  std::vector<std::function<void(std::optional<std::string>)>> pending;
  std::vector<int64_t> ttls;
  bool silent = false;
  int gets = 0;
};

// Keeps the questions until the test answers them.
class FakeReasoner : public AgentChannel {
 public:
  using Done = std::function<void(StatusOr<AgentReply>)>;
  void Decide(const AgentRequest& request, Done done) override {
    asked.emplace_back(request, std::move(done));
  }
  void Answer(size_t i, const std::string& verdict = "quarantine") {
    AgentReply reply;
    reply.request_id = asked[i].first.request_id;
    reply.verdict = verdict;
    reply.reason = "because";
    reply.confidence = 0.25;
    reply.rules.push_back({"a == 1", "block", 60'000, "so"});
    reply.agent = "fake/1";
    reply.tokens_in = 100;
    reply.tokens_out = 10;
    asked[i].second(reply);
  }
  std::vector<std::pair<AgentRequest, Done>> asked;
};

inline AgentRequest MakeRequest(const std::string& id = "ab12") {
  AgentRequest request;
  request.request_id = id;
  request.job = "ssh-guard";
  request.operator_uid = "guard";
  request.signature = "src_ip=\"1.2.3.4\"";
  request.event_time_ms = 1'490'620'016'000;
  request.context_json =
      R"({"event":{"user":"root","amount":12.5,"ok":false},"signature":{"src_ip":"1.2.3.4"},)"
      R"("novelty":{"count":7},"event_time":1490620016000})";
  return request;
}

}  // namespace weir
