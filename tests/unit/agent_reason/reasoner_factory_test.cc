#include "agent/reason/reasoner_factory.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "agent/reason/embedded_memo.h"
#include "engine/base/testing_env.h"
#include "fakes.h"

namespace weir {
namespace {

std::shared_ptr<FakeHttp> fake_http;

class ReasonerFactoryTest : public ::testing::Test {
 protected:
  ReasonerFactoryTest() {
    fake_http = std::make_shared<FakeHttp>();
    EXPECT_TRUE(
        registry
            .AddHttpClient(
                {"fake",
                 [](const Env&, const HttpClientOptions&) -> StatusOr<std::shared_ptr<HttpClient>> {
                   return std::shared_ptr<HttpClient>(fake_http);
                 }})
            .ok());
    EXPECT_TRUE(registry.AddMemo(EmbeddedMemoType()).ok());
    options.reasoner = "openai";
    options.model = "m";
  }
  ~ReasonerFactoryTest() override { fake_http.reset(); }
  int Number() {
    return ErrorNumber(MakeReasoner(env.env(), registry, options, &metrics).status());
  }

  TestEnv env;
  Registry registry;
  MetricRegistry metrics;
  ReasonerOptions options;
};

TEST_F(ReasonerFactoryTest, DefaultsOfTheTableAreThoseOfTheStruct) {
  Options read;
  ASSERT_TRUE(read.FillDefaults(ReasonerOptionDefs()).ok());
  const ReasonerOptions from_table = ReadReasonerOptions(read);
  const ReasonerOptions plain;
  EXPECT_EQ(from_table.reasoner, plain.reasoner);
  EXPECT_EQ(from_table.base_url, plain.base_url);
  EXPECT_EQ(from_table.api_key_env, plain.api_key_env);
  EXPECT_EQ(from_table.verdicts, plain.verdicts);
  EXPECT_EQ(from_table.actions, plain.actions);
  EXPECT_EQ(from_table.max_tokens, plain.max_tokens);
  EXPECT_EQ(from_table.max_tool_rounds, plain.max_tool_rounds);
  EXPECT_EQ(from_table.call_timeout_ms, plain.call_timeout_ms);
  EXPECT_EQ(from_table.json_schema, plain.json_schema);
  EXPECT_EQ(from_table.memo, plain.memo);
  EXPECT_EQ(from_table.memo_ttl_ms, plain.memo_ttl_ms);
  EXPECT_EQ(from_table.memo_timeout_ms, plain.memo_timeout_ms);
}

TEST_F(ReasonerFactoryTest, RefusesWhatCannotWork) {
  options.model = "";
  EXPECT_EQ(Number(), 1003);
  options.model = "m";
  options.base_url = "ftp://x";
  EXPECT_EQ(Number(), 1012);
  options.base_url = "http://10.0.0.1/v1";
  env.variables["OPENAI_API_KEY"] = "sk";
  EXPECT_EQ(Number(), 1012) << "a key in plain text";
  options.base_url = "http://127.0.0.1:8/v1";
  EXPECT_EQ(Number(), 0);
  options.memo = "memcached://x";
  EXPECT_EQ(Number(), 1007);
  options.memo = "embedded:lots";
  EXPECT_NE(Number(), 0);
  options.memo = "none";
  options.verdicts = {"Not This"};
  EXPECT_EQ(Number(), 1012);
  options.verdicts = {"a"};
  options.api_key_file = "/no/such";
  EXPECT_EQ(Number(), 1014);
  options.reasoner = "rules";
  EXPECT_EQ(Number(), 1003);
  options.rules = "/no/such";
  EXPECT_EQ(Number(), 1014);
  options.reasoner = "oracle";
  EXPECT_EQ(Number(), 1007);
}

TEST_F(ReasonerFactoryTest, KeyComesFromFileOrVariableAndGoesIntoTheHeader) {
  env.variables["OPENAI_API_KEY"] = "from-env";
  ASSERT_TRUE(env.fs.WriteFileAtomic("/key", "from-file\n").ok());
  const auto sent_key = [&] {
    fake_http->requests.clear();
    auto channel = *MakeReasoner(env.env(), registry, options, &metrics);
    channel->Decide(MakeRequest(), [](StatusOr<AgentReply>) {});
    env.RunPending();
    std::string key;
    for (const auto& [name, value] : fake_http->requests.at(0).headers) {
      if (name == "Authorization") key = value;
    }
    return key;
  };
  EXPECT_EQ(sent_key(), "Bearer from-env");
  options.api_key_file = "/key";
  EXPECT_EQ(sent_key(), "Bearer from-file");
}

TEST_F(ReasonerFactoryTest, TheEndOfTheChannelEndsWhatIsUnderWay) {
  options.base_url = "http://127.0.0.1:8/v1";
  auto channel = *MakeReasoner(env.env(), registry, options, &metrics);
  Status got;
  channel->Decide(MakeRequest(), [&](StatusOr<AgentReply> reply) { got = reply.status(); });
  env.RunPending();
  const std::weak_ptr<FakeHttp> http = std::exchange(fake_http, nullptr);
  EXPECT_FALSE(http.expired());
  channel.reset();
  EXPECT_TRUE(http.expired()) << "its thread would outlive the executor that it hands work to";
  env.RunPending();
  EXPECT_EQ(ErrorNumber(got), static_cast<int>(ErrorCode::kAgentUpstream));
}

TEST_F(ReasonerFactoryTest, StatisticalNeedsNothing) {
  options = ReasonerOptions();
  const auto channel = MakeReasoner(env.env(), registry, options, &metrics);
  ASSERT_TRUE(channel.ok());
  std::string verdict;
  (*channel)->Decide(MakeRequest(), [&](StatusOr<AgentReply> r) { verdict = r->verdict; });
  env.RunPending();
  EXPECT_EQ(verdict, "quarantine");
}

}  // namespace
}  // namespace weir
