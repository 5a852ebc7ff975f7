// The kill switch: from the record in the rule log to the rows that pass.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/decision_search.h"
#include "agent/rule_catalog.h"
#include "agent/rule_set.h"
#include "engine/base/admin_errors.h"
#include "engine/model/value.h"
#include "state/hot/hot_backend.h"
#include "tests/unit/agent/loop_rig.h"

namespace weir {
namespace {

constexpr int kFast = LoopRig::kFast, kDecisions = LoopRig::kDecisions,
              kBlocked = LoopRig::kBlocked;

class RuleSwitchTest : public testing::Test {
 protected:
  RuleSwitchTest() { rig_.agent()->automatic = true; }

  // As the admin service does it. Returns the version of the switch.
  int64_t Pull(bool off) {
    RuleCatalog catalog(rig_.log(), Topic("rules"));
    EXPECT_TRUE(catalog.Refresh().ok());
    EXPECT_EQ(catalog.rules().size(), 1u);
    const RuleEntry& entry = catalog.rules().begin()->second;
    EXPECT_NE(entry.off(), off);
    const Rule rule = MakeSwitch(entry, off, {"ada", "false alarm", 77});
    AppendRule(rule);
    rig_.Settle();
    return rule.version;
  }
  void AppendRule(const Rule& rule) {
    const auto writer = rig_.log()->OpenWriter(Topic("rules"), 0, rig_.info().epoch).value();
    const LogAppend record{RuleToLine(rule), rule.id, RuleKey(rule) + "/switch", 0};
    ASSERT_TRUE(writer->Append({&record, 1}).ok());
    ASSERT_TRUE(writer->Sync().ok());
  }
  std::string Topic(const std::string& what) {
    return absl::StrCat("_weir.", rig_.info().job, ".", rig_.info().uid, ".", what);
  }
  void Attack(int64_t first, int64_t n, int64_t count = 5) {
    std::vector<LoopEvent> events;
    for (int64_t i = 0; i < n; ++i) events.push_back({"1.2.3.4", first + i, count + i});
    rig_.Send(events);
    rig_.Settle();
  }
  std::vector<int64_t> Lines(int port) {
    std::vector<int64_t> lines;
    for (const std::string& row : rig_.Take(port)) {
      lines.push_back(ParseJson(row)->Get("line")->int_value());
    }
    return lines;
  }
  using Ints = std::vector<int64_t>;

  LoopRig rig_;
};

TEST_F(RuleSwitchTest, ADisabledRuleLetsPassAndAsksNobody) {
  Attack(1, 3);
  EXPECT_EQ(Lines(kDecisions), (Ints{1}));
  EXPECT_EQ(Lines(kBlocked), (Ints{2, 3}));
  EXPECT_EQ(Pull(true), 2);
  EXPECT_EQ(rig_.Metric("rules_disabled"), 1);
  Attack(4, 3);
  EXPECT_EQ(Lines(kFast), (Ints{4, 5, 6}));
  EXPECT_EQ(Lines(kBlocked), Ints{});
  EXPECT_EQ(rig_.agent()->asked.size(), 1u);
  EXPECT_EQ(rig_.Metric("rule_disabled_passed_total"), 3);
  EXPECT_EQ(Pull(false), 3);
  EXPECT_EQ(rig_.Metric("rules_disabled"), 0);
  Attack(7, 2);
  EXPECT_EQ(Lines(kBlocked), (Ints{7, 8}));
  EXPECT_EQ(rig_.agent()->asked.size(), 1u);
}

TEST_F(RuleSwitchTest, TheSwitchIsPartOfTheStateAndOfTheLog) {
  Attack(1, 2);
  const LoopRig::Saved before = rig_.Checkpoint();
  Pull(true);
  const LoopRig::Saved after = rig_.Checkpoint();
  // From a checkpoint that does not know it: the log does.
  rig_.Crash(&before);
  rig_.agent()->automatic = true;
  rig_.Settle();
  Lines(kFast), Lines(kBlocked);
  Attack(3, 1);
  EXPECT_EQ(Lines(kFast), (Ints{3}));
  rig_.Crash(&after);
  rig_.Settle();
  Lines(kFast), Lines(kBlocked);
  Attack(4, 1);
  EXPECT_EQ(Lines(kFast), (Ints{4}));
  EXPECT_EQ(rig_.Metric("rules_disabled"), 1);
}

TEST_F(RuleSwitchTest, ThePositionTellsWhenItIsEffective) {
  Attack(1, 2);
  const int64_t position = rig_.Metric("rule_log_position");
  EXPECT_EQ(position, 1);
  RuleCatalog catalog(rig_.log(), Topic("rules"));
  ASSERT_TRUE(catalog.Refresh().ok());
  AppendRule(MakeSwitch(catalog.rules().begin()->second, true, {"ada", "why", 1}));
  rig_.Run();
  EXPECT_EQ(rig_.Metric("rule_log_position"), 1);
  rig_.Settle();
  EXPECT_EQ(rig_.Metric("rule_log_position"), 2);
}

TEST_F(RuleSwitchTest, TheCatalogFollowsTheLog) {
  RuleCatalog catalog(rig_.log(), Topic("rules"));
  ASSERT_TRUE(catalog.Refresh().ok());
  EXPECT_TRUE(catalog.rules().empty());
  Attack(1, 2);
  ASSERT_TRUE(catalog.Refresh().ok());
  ASSERT_EQ(catalog.rules().size(), 1u);
  EXPECT_FALSE(catalog.rules().begin()->second.off());
  Pull(true);
  ASSERT_TRUE(catalog.Refresh().ok());
  const RuleEntry& entry = catalog.rules().begin()->second;
  EXPECT_TRUE(entry.off());
  EXPECT_EQ(entry.offset, 1);
  EXPECT_EQ(entry.change->change->by, "ada");
  EXPECT_EQ(entry.rule.version, 1);
  catalog.Sweep(entry.rule.expires_ms);
  EXPECT_EQ(catalog.rules().size(), 1u);
  catalog.Sweep(catalog.rules().begin()->second.rule.expires_ms + 1);
  EXPECT_TRUE(catalog.rules().empty());
}

TEST_F(RuleSwitchTest, ADecisionIsFoundByTheBeginningOfItsId) {
  Attack(1, 2);
  const std::string id = rig_.agent()->asked[0].request.request_id;
  const auto never = [] { return false; };
  const auto found = FindDecision(rig_.log(), Topic("decisions"), id.substr(0, 8), never);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->decision.request_id, id);
  EXPECT_EQ((*found)->decision.verdict, "quarantine");
  EXPECT_FALSE(FindDecision(rig_.log(), Topic("decisions"), "ffff0000ffff", never)->has_value());
  rig_.Send({{"9.9.9.9", 10, 5}});
  rig_.Settle();
  EXPECT_EQ(ErrorNumber(FindDecision(rig_.log(), Topic("decisions"), "", never).status()),
            static_cast<int>(AdminError::kAdminAmbiguous));
  EXPECT_EQ(
      ErrorNumber(FindDecision(rig_.log(), Topic("decisions"), id, [] { return true; }).status()),
      static_cast<int>(AdminError::kAdminCancelled));
}

class Opener : public StateOpener {
 public:
  StatusOr<StateTable*> OpenTable(const StateDescriptor& d) override {
    return backend_.OpenTable(d);
  }

 private:
  ManualClock clock_;
  HotStateBackend backend_{&clock_};
};

Rule RuleAbout(const std::string& ip, int64_t version, int64_t expires_ms) {
  Rule rule;
  rule.signature = rule.signature_text = ip;
  rule.action = "block";
  rule.scope = "signature";
  rule.origin = {{0, 0, 0}, 0};
  rule.version = version;
  rule.expires_ms = expires_ms;
  rule.id = MakeRuleId(rule);
  return rule;
}

Rule SwitchOf(Rule rule, int64_t version, bool off) {
  rule.version = version;
  rule.stage = off ? RuleStage::kDisabled : RuleStage::kFull;
  rule.change = RuleChange{"ada", "why", 1};
  return rule;
}

class RuleSetSwitchTest : public testing::Test {
 protected:
  RuleSetSwitchTest() { EXPECT_TRUE(rules_.Open(&opener_).ok()); }
  using Applied = RuleSet::Applied;
  static constexpr int64_t kHour = RuleSet::kSweepGraceMs;

  Opener opener_;
  RuleSet rules_{LoopSchema(), Signature::Create(*LoopSchema(), {"src_ip"}).value(), 2};
};

TEST_F(RuleSetSwitchTest, AProposalOfTheSameVersionDoesNotUndoIt) {
  const Rule rule = RuleAbout("a", 1, kHour);
  EXPECT_EQ(rules_.Apply(rule), Applied::kNew);
  // The agent's second version was appended a moment before the switch that took the same number.
  EXPECT_EQ(rules_.Apply(RuleAbout("a", 2, 2 * kHour)), Applied::kNew);
  EXPECT_EQ(rules_.Apply(SwitchOf(rule, 2, true)), Applied::kNew);
  EXPECT_EQ(rules_.switched_off(), 1u);
  EXPECT_EQ(rules_.Apply(SwitchOf(rule, 2, true)), Applied::kDuplicate);
  EXPECT_EQ(rules_.Apply(SwitchOf(rule, 1, false)), Applied::kDuplicate);
  EXPECT_EQ(rules_.switched_off(), 1u);
  EXPECT_EQ(rules_.HighestVersion(rule.id), 2);
  // It outlives the version that it was made from, and goes with the last.
  rules_.OnWatermark(2 * kHour + 1);
  EXPECT_EQ(rules_.switched_off(), 1u);
  rules_.OnWatermark(3 * kHour + 1);
  EXPECT_EQ(rules_.switched_off(), 0u);
  EXPECT_EQ(rules_.HighestVersion(rule.id), 0);
}

TEST_F(RuleSetSwitchTest, ACapNeverRefusesASwitch) {
  std::vector<Rule> all;
  for (const char* ip : {"a", "b", "c", "d"}) {
    all.push_back(RuleAbout(ip, 1, kHour));
    EXPECT_EQ(rules_.Apply(all.back()), Applied::kNew);
  }
  EXPECT_EQ(rules_.Apply(RuleAbout("e", 1, kHour)), Applied::kRefused);
  for (int64_t version = 2; version < 200; ++version) {
    EXPECT_EQ(rules_.Apply(SwitchOf(all[0], version, version % 2 == 0)), Applied::kNew);
  }
  EXPECT_EQ(rules_.active(), 4u);
}

TEST(RuleSwitchRecord, OnlyASwitchDisables) {
  Rule rule = RuleAbout("a", 1, 1);
  rule.stage = RuleStage::kDisabled;
  EXPECT_FALSE(RuleFromLine(RuleToLine(rule)).ok());
  rule.change = RuleChange{"ada", "why", 5};
  const auto read = RuleFromLine(RuleToLine(rule));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, rule);
  EXPECT_EQ(read->change->reason, "why");
  EXPECT_EQ(read->change->at_ms, 5);
}

}  // namespace
}  // namespace weir
