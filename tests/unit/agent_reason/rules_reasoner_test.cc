#include "agent/reason/rules_reasoner.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "engine/base/testing_env.h"
#include "fakes.h"

namespace weir {
namespace {

constexpr char kFile[] = R"y(weir_rules: 1
name: ssh-policy
rules:
  - { when: "has(novelty.count) && novelty.count >= 5", verdict: quarantine, action: block,
      ttl: 1h, reason: many }
  - { when: "signature.src_ip.startsWith('10.')", verdict: hold }
  - { when: "event.user == 'admin'", verdict: hold, reason: admin }
  - { when: "true", verdict: release }
)y";

class RulesReasonerTest : public ::testing::Test {
 protected:
  StatusOr<AgentReply> Judge(const std::string& context, const std::string& text = kFile) {
    StatusOr<RuleFile> file = ParseRuleFile("r.yaml", text);
    if (!file.ok()) return file.status();
    AgentRequest request = MakeRequest();
    request.context_json = context;
    return RulesReasoner(env.env(), *std::move(file), &metrics).Judge(request);
  }
  TestEnv env;
  MetricRegistry metrics;
};

TEST_F(RulesReasonerTest, FirstRuleThatHoldsDecides) {
  const auto many = Judge(R"({"event":{},"signature":{"src_ip":"10.1"},"novelty":{"count":7}})");
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_EQ(many->verdict, "quarantine");
  EXPECT_EQ(many->reason, "many");
  ASSERT_EQ(many->rules.size(), 1u);
  EXPECT_EQ(many->rules[0].action, "block");
  EXPECT_EQ(many->rules[0].predicate, "") << "stands for the signature";
  EXPECT_EQ(many->rules[0].ttl_ms, 3'600'000);
  EXPECT_TRUE(absl::StartsWith(many->agent, "rules/1 ssh-policy@"));

  const auto inside = Judge(R"({"event":{},"signature":{"src_ip":"10.1"},"novelty":{"count":1}})");
  ASSERT_TRUE(inside.ok()) << inside.status();
  EXPECT_EQ(inside->verdict, "hold");
  EXPECT_EQ(inside->reason, "rule in line 6");
  EXPECT_TRUE(inside->rules.empty());

  const auto other = Judge(R"({"event":{"user":"x"},"signature":{"src_ip":"9.1"},"novelty":{}})");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->verdict, "release");
}

TEST_F(RulesReasonerTest, ARuleThatFailsIsNotSkipped) {
  // event.user was masked away: what that rule would have said is not guessed.
  const auto got = Judge(R"({"event":{},"signature":{"src_ip":"9.1"},"novelty":{}})");
  EXPECT_EQ(ErrorNumber(got.status()), static_cast<int>(ErrorCode::kAgentNoRule));
  EXPECT_TRUE(absl::StrContains(got.status().message(), "line 7")) << got.status();
  EXPECT_FALSE(IsRetriable(got.status()));
}

TEST_F(RulesReasonerTest, NoRuleIsAnError) {
  const auto got =
      Judge(R"({"novelty":{"count":1}})",
            "weir_rules: 1\nname: a\nrules: [{when: 'novelty.count > 5', verdict: x}]");
  EXPECT_EQ(ErrorNumber(got.status()), static_cast<int>(ErrorCode::kAgentNoRule));
  EXPECT_EQ(ErrorNumber(Judge("{").status()), static_cast<int>(ErrorCode::kAgentBadReply));
  EXPECT_EQ(ErrorNumber(Judge("[]").status()), static_cast<int>(ErrorCode::kAgentBadReply));
}

TEST_F(RulesReasonerTest, AnswersLaterOnTheExecutor) {
  RulesReasoner reasoner(env.env(), *ParseRuleFile("r", kFile), &metrics);
  int answers = 0;
  reasoner.Decide(MakeRequest(), [&](StatusOr<AgentReply> reply) {
    EXPECT_TRUE(reply.ok());
    ++answers;
  });
  EXPECT_EQ(answers, 0);
  env.RunPending();
  EXPECT_EQ(answers, 1);
}

struct BadFile {
  const char* text;
  std::vector<const char*> expected;  // all of them, in the report
};

TEST(RuleFileTest, EveryMistakeWithItsPlaceAndNumber) {
  const BadFile cases[] = {
      {"", {"r.yaml:1:1: error[WEIR-1003]: missing required key 'weir_rules'"}},
      {"weir_rules: 2\nname: a\nrules: [{when: 'true', verdict: x}]",
       {"r.yaml:1:13: error[WEIR-1011]"}},
      {"weir_rules: 1\nname: a b\nrules: []",
       {"r.yaml:2:7: error[WEIR-1012]", "r.yaml:3:8: error[WEIR-1004]"}},
      {"weir_rules: 1\nname: a\nrules:\n  - { when: \"novelty.count >= \", verdict: x }\n"
       "  - { when: 'nowelty.count > 1', verdict: X!, ttl: 5 }\n",
       {"r.yaml:4:", "error[WEIR-6001]", "r.yaml:5:", "error[WEIR-1004]"}},
      {"weir_rules: 1\nname: a\nrules:\n  - { when: 'nowelty.count > 1', verdict: X }\n"
       "  - { when: '1', verdict: x, acton: block }\n",
       {"r.yaml:4:14: error[WEIR-6003]", "novelty", "r.yaml:4:43: error[WEIR-1012]",
        "r.yaml:5:30: error[WEIR-1002]: unknown key 'acton'", "did you mean 'action'?"}},
      {"weir_rules: 1\nname: a\nrules:\n  - { when: 'true', verdict: release, action: block }\n"
       "  - { when: '1', verdict: x, ttl: 1h }\n",
       {"r.yaml:4:47: error[WEIR-1012]: a release carries no rule", "a ttl without an action",
        "error[WEIR-6002]"}},
      {"weir_rules: 1\nname: a\nrules: {", {"error[WEIR-1001]"}},
  };
  for (const BadFile& c : cases) {
    std::string report;
    const auto file = ParseRuleFile("r.yaml", c.text, &report);
    EXPECT_FALSE(file.ok()) << c.text;
    EXPECT_GT(ErrorNumber(file.status()), 0);
    for (const char* expected : c.expected) {
      EXPECT_TRUE(absl::StrContains(report, expected)) << expected << "\nin\n" << report;
    }
  }
}

}  // namespace
}  // namespace weir
