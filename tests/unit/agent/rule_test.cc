#include "agent/rule.h"

#include <gtest/gtest.h>

#include "agent/clean_text.h"
#include "agent/decision.h"
#include "agent/fail_safe.h"

namespace weir {
namespace {

Rule TestRule() {
  Rule rule;
  rule.predicate = "src_ip == \"1.2.3.4\"";
  rule.signature = std::string("1.2.3.4");
  rule.signature_text = "src_ip=\"1.2.3.4\"";
  rule.action = "block";
  rule.scope = "signature";
  rule.origin = {{1, 2, 3}, 4000};
  rule.expires_ms = 9000;
  rule.request_id = "r";
  rule.agent = "embedded/1";
  rule.created_ms = 123;
  rule.reason = "count = 5, \"quoted\"\nline \xC3\xA9";
  rule.id = MakeRuleId(rule);
  return rule;
}

RecordBatch At(Origin origin, int64_t event_time) {
  RecordBatch batch(MakeSchema({{"x", Type{TypeKind::kInt64, {}}, false}}));
  batch.column(0).AppendInt(0);
  batch.AppendMeta(event_time, origin, 0);
  return batch;
}

TEST(Rule, TheIdIsTheHashOfTheContent) {
  Rule rule = TestRule();
  EXPECT_EQ(rule.id, "4462fd38cdfc7781");  // computed with Python's hashlib
  rule.predicate.clear();
  EXPECT_EQ(MakeRuleId(rule), "a435c3502d769e98");
  Rule other = TestRule();
  other.origin = {{9, 9, 9}, 9};
  other.version = 7;
  other.expires_ms = 1;
  other.created_ms = 1;
  EXPECT_EQ(MakeRuleId(other), "4462fd38cdfc7781");
  other.action = "hold";
  EXPECT_NE(MakeRuleId(other), "4462fd38cdfc7781");
}

TEST(Rule, ALineIsOneLineAndReadsBackTheSame) {
  const Rule rule = TestRule();
  const std::string line = RuleToLine(rule);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(RuleFromLine(line).value(), rule);
  EXPECT_EQ(RuleFromBytes(RuleToBytes(rule)).value(), rule);
  EXPECT_NE(line.find("\"predicate\":\"src_ip == \\\"1.2.3.4\\\"\""), std::string::npos) << line;
}

TEST(Rule, KeysSortByVersion) {
  EXPECT_LT(RuleKey("a", 2), RuleKey("a", 10));
  EXPECT_EQ(RuleKey("a", 10), "a/0000000010");
}

TEST(Rule, LinesThatAreNoRulesAreRefused) {
  const std::string line = RuleToLine(TestRule());
  for (size_t cut = 0; cut < line.size(); cut += 7) {
    EXPECT_FALSE(RuleFromLine(line.substr(0, cut)).ok());
  }
  for (const char* text : {"", "{}", "null", "[]", "{\"id\":\"x\"}", "{\"id\":1}"}) {
    EXPECT_EQ(ErrorNumber(RuleFromLine(text).status()), 5003) << text;
  }
  // A line that was changed gives itself away by its id.
  std::string changed = line;
  changed.replace(changed.find("1.2.3.4"), 7, "8.8.8.8");
  EXPECT_FALSE(RuleFromLine(changed).ok());
  EXPECT_FALSE(RuleFromLine(std::string(100'000, '{')).ok());
}

TEST(Rule, UnknownFieldsOfANewerVersionAreKeptOut) {
  std::string line = RuleToLine(TestRule());
  line.insert(1, "\"new_field\":[1,{\"a\":2}],");
  EXPECT_EQ(RuleFromLine(line).value(), TestRule());
}

TEST(Rule, IsValidFromItsOriginUntilItsExpiry) {
  const Rule rule = TestRule();
  EXPECT_FALSE(IsValidFor(rule, At({1, 2, 2}, 8000), 0));  // before it, whatever its time says
  EXPECT_FALSE(IsValidFor(rule, At({1, 2, 3}, 4000), 0));  // the event itself
  EXPECT_TRUE(IsValidFor(rule, At({1, 2, 4}, 100), 0));    // behind it, though out of order
  EXPECT_TRUE(IsValidFor(rule, At({1, 2, 4}, 9000), 0));
  EXPECT_FALSE(IsValidFor(rule, At({1, 2, 4}, 9001), 0));
  EXPECT_FALSE(IsValidFor(rule, At({1, 3, 4}, 3999), 0));  // another split: event time decides
  EXPECT_TRUE(IsValidFor(rule, At({1, 3, 0}, 4000), 0));
  EXPECT_TRUE(IsValidFor(rule, At({2, 2, 0}, 4000), 0));
}

TEST(DecisionText, ReadsBackTheSame) {
  Decision d;
  d.request_id = "abc";
  d.seq = 3;
  d.key = std::string("\x00\xFF\x01", 3);
  d.verdict = "quarantine";
  d.reason = "because \xC3\xA9";
  d.rule = TestRule();
  d.action = "block";
  d.agent = "a/1";
  d.attempt = 2;
  d.event_time_ms = 5;
  d.asked_ms = 6;
  d.decided_ms = 7;
  const std::string line = DecisionToLine(d);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  for (const StatusOr<Decision>& back :
       {DecisionFromLine(line), DecisionFromBytes(DecisionToBytes(d))}) {
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(DecisionToLine(*back), line);
    EXPECT_EQ(back->key, d.key);
    EXPECT_EQ(back->rule, d.rule);
  }
  d.rule.reset();
  EXPECT_FALSE(DecisionFromLine(DecisionToLine(d)).value().rule.has_value());
}

TEST(DecisionText, RefusesWhatIsNone) {
  for (const char* text : {"", "{}", "{\"request_id\":\"a\"}",
                           "{\"request_id\":\"a\",\"verdict\":\"x\"}", "nonsense"}) {
    EXPECT_FALSE(DecisionFromLine(text).ok()) << text;
  }
}

TEST(FailSafe, NeverReleases) {
  EXPECT_EQ(ErrorNumber(FailSafe::Create("release", "none").status()), 1012);
  EXPECT_FALSE(FailSafe::Create("", "none").ok());
  EXPECT_FALSE(FailSafe::Create("hold", "Drop Table").ok());
  const FailSafe fail_safe = FailSafe::Create("hold", "none").value();
  Decision d;
  d.rule = TestRule();
  fail_safe.Apply(Err(ErrorCode::kAgentTimeout, "late"), &d);
  EXPECT_EQ(d.verdict, "hold");
  EXPECT_EQ(d.action, "");
  EXPECT_FALSE(d.rule.has_value());
  EXPECT_EQ(d.source, Decision::Source::kFailSafe);
  EXPECT_EQ(d.reason.substr(0, 9), "WEIR-5005");
  FailSafe::Create("hold", "alert").value().Apply(absl::OkStatus(), &d);
  EXPECT_EQ(d.action, "alert");
}

TEST(CleanText, IsValidAndShort) {
  EXPECT_EQ(CleanText("a\nb\x7F", 10), "a?b?");
  EXPECT_EQ(CleanText("\xC3\xA9\xC3\xA9", 3), "\xC3\xA9");
  EXPECT_EQ(CleanText("a\xFF"
                      "b",
                      10),
            "a?b");
  EXPECT_TRUE(IsCleanText("\xC3\xA9"));
  EXPECT_FALSE(IsCleanText("\xC3"));
  EXPECT_FALSE(IsCleanText("a\tb"));
}

}  // namespace
}  // namespace weir
