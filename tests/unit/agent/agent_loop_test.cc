#include <gtest/gtest.h>

#include <algorithm>

#include "engine/model/value.h"
#include "tests/unit/agent/loop_rig.h"

namespace weir {
namespace {

using Lines = std::vector<std::string>;
constexpr int kFast = LoopRig::kFast, kDecisions = LoopRig::kDecisions,
              kBlocked = LoopRig::kBlocked, kActions = LoopRig::kActions;

// Events of one address: line numbers from `first`, the count rising from `from`.
std::vector<LoopEvent> Attack(const std::string& ip, int64_t first, int64_t n, int64_t from = 1) {
  std::vector<LoopEvent> events;
  for (int64_t i = 0; i < n; ++i) events.push_back({ip, first + i, from + i});
  return events;
}

std::vector<int64_t> LinesOf(const Lines& rows) {
  std::vector<int64_t> out;
  for (const std::string& row : rows) out.push_back(ParseJson(row)->Get("line")->int_value());
  return out;
}
using Ints = std::vector<int64_t>;

TEST(AgentLoop, TheFifthEventIsEscalatedOnceAndLaterOnesAreBlocked) {
  LoopRig rig;
  rig.agent()->automatic = true;
  rig.Send(Attack("1.2.3.4", 1, 8));
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{1, 2, 3, 4}));
  EXPECT_TRUE(rig.Take(kDecisions).empty());
  rig.Settle();
  const std::string id = rig.agent()->asked[0].request.request_id;
  EXPECT_EQ(rig.Take(kDecisions),
            (Lines{R"({"line":5,"ts":5000,"src_ip":"1.2.3.4","verdict":"quarantine",)"
                   R"("rule_id":"a435c3502d769e98","rule_version":1,"request_id":")" +
                   id + R"(","seq":1})"}));
  const Lines blocked = rig.Take(kBlocked);
  ASSERT_EQ(LinesOf(blocked), (Ints{6, 7, 8}));
  EXPECT_EQ(blocked[0], R"({"line":6,"ts":6000,"src_ip":"1.2.3.4","rule_id":"a435c3502d769e98"})");
  const Lines actions = rig.Take(kActions);
  ASSERT_EQ(actions.size(), 1u);
  const Value action = ParseJson(actions[0]).value();
  EXPECT_EQ(action.Get("action")->string_value(), "block");
  EXPECT_EQ(action.Get("request_id")->string_value(), id);
  EXPECT_EQ(action.Get("expires_ts")->int_value(), 5000 + 86'400'000);
  rig.Send(Attack("1.2.3.4", 9, 2));
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{9, 10}));
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
  EXPECT_EQ(rig.Metric("calls_total"), 1);
  EXPECT_EQ(rig.Metric("decisions_total"), 1);
  EXPECT_EQ(rig.Metric("rules_applied_total"), 1);
  EXPECT_EQ(rig.Metric("blocked_total"), 5);
  EXPECT_EQ(rig.Metric("passed_total"), 4);
  EXPECT_EQ(rig.Metric("calls_avoided_total", "flight"), 3);
  EXPECT_FALSE(rig.failed.has_value());
}

TEST(AgentLoop, ABurstOfLookAlikesCostsOneCallAndNoneIsReleased) {
  LoopRig rig;
  for (int64_t i = 0; i < 500; i += 50) rig.Send(Attack("1.2.3.4", 1 + i, 50, 5 + i));
  rig.Run();
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
  EXPECT_EQ(rig.Metric("waiting"), 499);
  rig.agent()->Quarantine(0);
  rig.Run();
  // Decided and durable, but this subtask has not applied the rule: nobody is released.
  EXPECT_EQ(rig.Take(kDecisions).size(), 1u);
  EXPECT_TRUE(rig.Take(kBlocked).empty());
  rig.Send(Attack("1.2.3.4", 501, 1, 505));
  rig.Settle();
  const Ints blocked = LinesOf(rig.Take(kBlocked));
  ASSERT_EQ(blocked.size(), 500u);
  EXPECT_TRUE(std::is_sorted(blocked.begin(), blocked.end()));
  EXPECT_TRUE(rig.Take(kFast).empty());
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
  EXPECT_EQ(rig.Metric("pending"), 0);
}

TEST(AgentLoop, ARuleOfAShortLifeStillAnswersThoseWhoWaitedForIt) {
  // A replay: while the agent thinks, event time goes on by months.
  LoopRig rig(LoopOptions{{"rules.default_ttl", "1h"}});
  rig.Send(Attack("1.2.3.4", 1, 8, 5));
  rig.Send({{"1.2.3.4", 4000, 9}});  // 4000 s: behind the end of the rule
  rig.Watermark(90LL * 24 * 3'600'000);
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2, 3, 4, 5, 6, 7, 8}));
  ASSERT_EQ(rig.agent()->asked.size(), 2u) << "only the one behind its end is asked about";
  rig.agent()->Quarantine(1);
  rig.Settle();
  EXPECT_EQ(rig.Take(kDecisions).size(), 2u);
  rig.Watermark(91LL * 24 * 3'600'000);
  rig.Send({{"9.9.9.9", 5000, 1}});  // gauges move with the next turn
  EXPECT_EQ(rig.Metric("rules_active"), 0) << "and then it leaves";
}

TEST(AgentLoop, ALargeReleaseIsSlicedAndKeepsTheOrder) {
  LoopRig rig;
  for (int64_t i = 0; i < 5000; i += 500) rig.Send(Attack("1.2.3.4", 1 + i, 500, 5 + i));
  rig.agent()->Quarantine(0);
  rig.Run();
  EXPECT_GT(rig.DeliverRules(), 0u);
  EXPECT_LT(rig.Metric("blocked_total"), 2000);
  rig.Send(Attack("1.2.3.4", 5001, 3));  // joins behind those that are being released
  rig.Settle();
  const Ints blocked = LinesOf(rig.Take(kBlocked));
  ASSERT_EQ(blocked.size(), 5002u);
  EXPECT_TRUE(std::is_sorted(blocked.begin(), blocked.end()));
}

TEST(AgentLoop, ANullSignatureMatchesNothing) {
  LoopRig rig;
  rig.agent()->automatic = true;
  rig.Send({{std::nullopt, 1, 99}, {std::nullopt, 2, 99}});
  rig.Settle();
  EXPECT_EQ(rig.Take(kFast).size(), 2u);
  EXPECT_TRUE(rig.agent()->asked.empty());
}

TEST(AgentLoop, ACopyOfADecidedEventGetsTheSameRowAgain) {
  LoopRig rig;
  rig.agent()->automatic = true;
  rig.Send(Attack("a", 1, 6, 1));
  rig.Settle();
  const Lines first = rig.Take(kDecisions);
  ASSERT_EQ(first.size(), 1u);
  LoopEvent copy{"a", 5, 77};  // the same identity; what else it holds does not matter
  copy.ts = 123456;
  rig.Send({copy});
  rig.Settle();
  EXPECT_EQ(rig.Take(kDecisions), first);
  EXPECT_EQ(rig.Take(kActions).size(), 1u);
  EXPECT_EQ(rig.Metric("calls_avoided_total", "record"), 1);
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
}

TEST(AgentLoop, AReleaseLetsTheWaitersPassAndStandsForAWhile) {
  LoopRig rig(LoopOptions{{"recheck_after", "10s"}});
  rig.Send(Attack("a", 1, 4, 5));
  rig.Run();
  rig.agent()->Release(0);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{2, 3, 4}));
  EXPECT_EQ(rig.Take(kDecisions)[0].find("\"verdict\":\"release\",\"rule_id\":null"), 33u);
  EXPECT_TRUE(rig.Take(kActions).empty());
  rig.Send(Attack("a", 5, 6, 9));  // until 10 s of event time, less than ten after the decision
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{5, 6, 7, 8, 9, 10}));
  rig.Send(Attack("a", 11, 1, 15));  // exactly ten after
  rig.Run();
  ASSERT_EQ(rig.agent()->asked.size(), 2u);
  rig.agent()->Release(1);
  rig.Settle();
  EXPECT_NE(rig.Take(kDecisions)[0].find("\"seq\":2}"), std::string::npos);
}

TEST(AgentLoop, ARefusedRuleIsADecisionWithoutOne) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 3, 5));
  AgentReply reply = ScriptedAgent::Quarantine(rig.agent()->asked[0].request);
  reply.rules[0].predicate = "true";
  rig.agent()->Reply(0, reply);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{2, 3}));
  EXPECT_EQ(rig.Take(kDecisions).size(), 1u);
  EXPECT_TRUE(rig.Take(kActions).empty());
  EXPECT_EQ(rig.Metric("rule_refused_total"), 1);
  EXPECT_NE(rig.LogLines("decisions").at(0).find("WEIR-5003"), std::string::npos);
  EXPECT_TRUE(rig.LogLines("rules").empty());
}

TEST(AgentLoop, ProtectedValuesAreNeverAnswered) {
  LoopRig rig(LoopOptions{{"rules.protected", "user=admin"}});
  rig.agent()->automatic = true;
  rig.Send({{"a", 1, 5}, {"a", 2, 6, -1, "admin"}, {"a", 3, 7}});
  rig.Settle();
  rig.Send({{"a", 4, 5, -1, "admin"}, {"a", 5, 1}});
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{2, 4}));
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{3, 5}));
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
}

TEST(AgentLoop, AfterItsExpiryARuleIsAskedForAnew) {
  LoopRig rig(LoopOptions{{"rules.default_ttl", "10s"}});
  rig.agent()->automatic = true;
  rig.Send(Attack("a", 1, 12, 5));  // the rule of line 1 expires at 11 s
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kDecisions)), (Ints{1, 12}));
  EXPECT_EQ(rig.Take(kBlocked).size(), 10u);
  EXPECT_NE(rig.LogLines("rules").at(1).find("\"version\":\"2\""), std::string::npos);
}

TEST(AgentLoop, TheMaskHoldsOnTheWholeWay) {
  LoopRig rig(LoopOptions{{"mask", "count:keep"}});
  rig.Send({{"CANARY-ip", 1, 5, -1, "CANARY-user"}});
  const AgentRequest& request = rig.agent()->asked.at(0).request;
  for (const std::string& text : {request.context_json, request.signature, request.request_id,
                                  request.operator_uid, request.job}) {
    EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
  }
  EXPECT_EQ(request.signature, "src_ip=?");
  EXPECT_EQ(request.event_time_ms, 1000);
  EXPECT_EQ(request.attempt, 1);
  EXPECT_EQ(request.deadline_ms, rig.env_.clock.NowMs() + 30'000);
  rig.agent()->Quarantine(0);  // by the signature, which it never saw
  rig.Settle();
  rig.Send({{"CANARY-ip", 2, 1}, {"other", 3, 1}});
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2}));
}

// Whoever has several inputs takes nothing before each of them has said it.
TEST(AgentLoop, TheFirstStatusGoesOutOnEveryPort) {
  LoopRig rig;
  rig.Run();
  EXPECT_TRUE(rig.idle.empty());
  EXPECT_TRUE(rig.op()->OnIdle(false).ok());
  for (const int port : {kFast, kDecisions, kBlocked, kActions}) {
    ASSERT_EQ(rig.idle.count(port), 1u) << port;
    EXPECT_FALSE(rig.idle[port]);
  }
}

TEST(AgentLoop, TheFastPathsTimeGoesOnWhileTheOthersIsHeld) {
  LoopRig rig;
  rig.Watermark(500);
  rig.Send(Attack("a", 1, 2, 5));
  rig.Watermark(9000);
  EXPECT_EQ(rig.watermarks[kFast], 9000);
  for (const int port : {kDecisions, kBlocked, kActions}) EXPECT_EQ(rig.watermarks[port], 500);
  EXPECT_TRUE(rig.op()->OnIdle(true).ok());
  EXPECT_TRUE(rig.idle[kFast]);
  EXPECT_FALSE(rig.idle[kDecisions]);
  rig.agent()->Quarantine(0);
  rig.Run();
  EXPECT_EQ(rig.watermarks[kDecisions], 500);  // the waiter came at 500 too
  rig.Settle();
  for (const int port : {kDecisions, kBlocked, kActions}) {
    EXPECT_EQ(rig.watermarks[port], 9000);
    EXPECT_TRUE(rig.idle[port]);
  }
}

TEST(AgentLoop, EndOfInputWaitsForEverything) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 2, 5));
  EXPECT_TRUE(rig.op()->OnEndOfInput().ok());
  rig.Run();
  EXPECT_FALSE(rig.ended);
  rig.agent()->Quarantine(0);
  rig.Run();
  EXPECT_FALSE(rig.ended);  // the waiter waits for the rule
  rig.Settle();
  EXPECT_TRUE(rig.ended);
  EXPECT_EQ(rig.Take(kBlocked).size(), 1u);
}

TEST(AgentLoop, EndOfInputWithNothingPendingEndsAtOnce) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 2, 1));
  EXPECT_TRUE(rig.op()->OnEndOfInput().ok());
  EXPECT_TRUE(rig.ended);
}

// Ordered by user, looked alike by address.
TEST(AgentLoop, ResultsKeepTheOrderThatIsAskedFor) {
  for (const std::string order : {"key", "global", "none"}) {
    LoopRig rig(LoopOptions{{"key", "user"}, {"agent.order", order}});
    rig.agent()->automatic = true;
    rig.Send({{"known", 1, 5, -1, "u"}});
    rig.Settle();
    rig.Take(kBlocked);
    rig.agent()->automatic = false;
    // u: line 10 asks, 11 waits for it, 12 is answered by the old rule; v: 13 is answered too.
    rig.Send({{"new", 10, 5, -1, "u"},
              {"new", 11, 6, -1, "u"},
              {"known", 12, 7, -1, "u"},
              {"known", 13, 7, -1, "v"}});
    rig.Run();
    const Ints before = LinesOf(rig.Take(kBlocked));
    rig.agent()->Quarantine(1);
    rig.Settle();
    const Ints after = LinesOf(rig.Take(kBlocked));
    if (order == "key") {
      EXPECT_EQ(before, (Ints{13}));
      EXPECT_EQ(after, (Ints{11, 12}));
    } else if (order == "global") {
      EXPECT_EQ(before, (Ints{}));
      EXPECT_EQ(after, (Ints{11, 12, 13}));
    } else {
      EXPECT_EQ(before, (Ints{12, 13}));
      EXPECT_EQ(after, (Ints{11}));
    }
    EXPECT_EQ(rig.Metric("pending"), 0);
  }
}

TEST(AgentLoop, LinesOfTheRuleLogThatAreNoRulesAreCountedAndSkipped) {
  LoopRig rig;
  RecordBatch batch(MakeSchema({{"value", Type{TypeKind::kString, {}}, false}}));
  for (const char* line : {"", "{}", "nonsense", "{\"id\":\"x\",\"predicate\":\"true\"}"}) {
    batch.column(0).AppendString(line);
    batch.AppendMeta(kNoTimestamp, Origin{1, 0, static_cast<int64_t>(batch.rows())}, 0);
  }
  EXPECT_TRUE(rig.op()->Process(1, std::move(batch)).ok());
  EXPECT_EQ(rig.Metric("rules_malformed_total"), 4);
  EXPECT_FALSE(rig.failed.has_value());
}

TEST(AgentLoop, RowsWithFailingConditionsPass) {
  LoopRig rig(LoopOptions{{"escalate_when", "100 / (count - 5) > 50"}});
  rig.Send({{"a", 1, 5}, {"a", 2, 4}, {"a", 3, 6}});
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{1, 2}));
  EXPECT_EQ(rig.Metric("evaluation_errors_total"), 1);
}

TEST(AgentLoopPlan, TellsAllMistakesAtTheirOptions) {
  const auto errors = [](LoopOptions changes) {
    LoopOptions options = DefaultLoopOptions();
    for (const auto& [name, text] : changes) options[name] = text;
    LoopErrors collected;
    EXPECT_FALSE(PlanLoop(options, &collected).has_value());
    Lines names;
    for (const std::string& text : collected.texts) names.push_back(text.substr(0, text.find(':')));
    return names;
  };
  EXPECT_EQ(errors({{"signature", "nope"}}), (Lines{"signature"}));
  EXPECT_EQ(errors({{"key", "nope"}}), (Lines{"key"}));
  EXPECT_EQ(errors({{"id", "nope"}}), (Lines{"id"}));
  EXPECT_EQ(errors({{"carry", "line,nope,line"}}), (Lines{"carry", "carry"}));
  EXPECT_EQ(errors({{"escalate_when", "coun >= 5"}})[0], "escalate_when");
  EXPECT_EQ(errors({{"escalate_when", "count"}})[0], "escalate_when");
  EXPECT_EQ(errors({{"mask", "count:keep,nope:keep"}}), (Lines{"mask.nope"}));
  EXPECT_EQ(errors({{"mask", "count:hide"}}), (Lines{"mask.count"}));
  EXPECT_EQ(errors({{"mask", "user:keep"}}), (Lines{"mask"}));  // nothing to decide by
  EXPECT_EQ(errors({{"agent.fail_safe.verdict", "release"}}), (Lines{"agent.fail_safe"}));
  EXPECT_EQ(errors({{"rules.default_ttl", "48h"}}), (Lines{"rules.default_ttl"}));
  EXPECT_EQ(errors({{"rules.actions", "Block"}}), (Lines{"rules.actions"}));
  EXPECT_EQ(errors({{"rules.protected", "nope=1"}}), (Lines{"rules.protected"}));
}

TEST(AgentLoopPlan, HasThePromisedOutputs) {
  LoopErrors errors;
  const auto plan = PlanLoop(DefaultLoopOptions(), &errors);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->outputs.size(), 4u);
  EXPECT_EQ(plan->outputs[0].name, "");
  EXPECT_EQ(plan->outputs[0].schema->ToString(), LoopSchema()->ToString());
  EXPECT_EQ(plan->outputs[1].schema->ToString(),
            "{line: int64, ts: timestamp_ms, src_ip: string?, verdict: string, rule_id: string?, "
            "rule_version: int64?, request_id: string, seq: int64}");
  EXPECT_EQ(plan->outputs[2].schema->ToString(),
            "{line: int64, ts: timestamp_ms, src_ip: string?, rule_id: string}");
  EXPECT_EQ(plan->outputs[3].schema->ToString(),
            "{action_id: string, action: string, request_id: string, verdict: string, "
            "rule_id: string?, line: int64, ts: timestamp_ms, src_ip: string?, "
            "expires_ts: timestamp_ms?}");
  EXPECT_EQ(plan->outputs[0].event_time_field, 1);
  EXPECT_EQ(plan->outputs[1].event_time_field, 1);
  EXPECT_EQ(plan->outputs[3].event_time_field, 6);
  EXPECT_EQ(plan->key, (Lines{"src_ip"}));
  ASSERT_EQ(plan->control.size(), 1u);
  EXPECT_EQ(plan->control[0].topic, "_weir.job.guard.rules");
  EXPECT_EQ(plan->internal_topics, (Lines{"_weir.job.guard.rules", "_weir.job.guard.decisions"}));
}

}  // namespace
}  // namespace weir
