// The agent is late, silent, broken, doubled or overloaded; and the bugs of others, put back.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/fail_point.h"
#include "engine/model/value.h"
#include "tests/unit/agent/loop_rig.h"

namespace weir {
namespace {

using Lines = std::vector<std::string>;
using Ints = std::vector<int64_t>;
constexpr int kFast = LoopRig::kFast, kDecisions = LoopRig::kDecisions,
              kBlocked = LoopRig::kBlocked, kActions = LoopRig::kActions;

std::vector<LoopEvent> Attack(const std::string& ip, int64_t first, int64_t n, int64_t from = 5) {
  std::vector<LoopEvent> events;
  for (int64_t i = 0; i < n; ++i) events.push_back({ip, first + i, from + i});
  return events;
}

Ints LinesOf(const Lines& rows) {
  Ints out;
  for (const std::string& row : rows) out.push_back(ParseJson(row)->Get("line")->int_value());
  return out;
}

bool IsFailSafe(const std::string& blocked_row) {
  return ParseJson(blocked_row)->Get("rule_id")->string_value() == "failsafe";
}

class PlantedBug : public FailPoints {
 public:
  explicit PlantedBug(std::string id) : id_(std::move(id)) { SetFailPoints(this); }
  ~PlantedBug() override { SetFailPoints(nullptr); }
  void Hit(std::string_view) override {}
  bool Bug(std::string_view id) const override { return id == id_; }

 private:
  std::string id_;
};

TEST(AgentLoopFailure, ASilentAgentIsAskedAgainUnderTheSameIdThenTheFailSafeDecides) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 3));
  for (int i = 0; i < 2; ++i) rig.AdvanceMs(10'000);
  ASSERT_EQ(rig.agent()->asked.size(), 3u);
  EXPECT_EQ(rig.agent()->CallsById().size(), 1u);
  EXPECT_EQ(rig.agent()->asked[2].request.attempt, 3);
  EXPECT_EQ(rig.agent()->asked[2].request.deadline_ms, rig.env_.clock.NowMs() + 10'000);
  rig.AdvanceMs(9'999);
  rig.Settle();
  EXPECT_TRUE(rig.Take(kDecisions).empty());
  rig.AdvanceMs(1);
  rig.Settle();
  const Lines decisions = rig.Take(kDecisions);
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(ParseJson(decisions[0])->Get("verdict")->string_value(), "hold");
  EXPECT_NE(rig.LogLines("decisions").at(0).find("FAILSAFE"), std::string::npos);
  const Lines blocked = rig.Take(kBlocked);
  EXPECT_EQ(LinesOf(blocked), (Ints{2, 3}));
  EXPECT_TRUE(IsFailSafe(blocked[0]) && IsFailSafe(blocked[1]));
  EXPECT_TRUE(rig.Take(kFast).empty());  // nobody is released
  EXPECT_TRUE(rig.Take(kActions).empty());
  EXPECT_EQ(rig.agent()->asked.size(), 3u);
  // Whoever follows is answered alike, as a replay would do; then it is asked again.
  rig.Send(Attack("a", 4, 2));
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{4, 5}));
  rig.Send(Attack("a", 601, 1));
  EXPECT_EQ(rig.agent()->asked.size(), 4u);
  EXPECT_EQ(rig.Metric("retries_total"), 2);
  EXPECT_EQ(rig.Metric("failsafe_total"), 1);
}

TEST(AgentLoopFailure, ReplyAndTimeoutInTheSameTickGiveOneDecision) {
  for (const bool reply_first : {true, false}) {
    LoopRig rig;
    rig.Send(Attack("a", 1, 2));
    if (reply_first) {
      rig.env_.AdvanceMs(30'000);
      rig.agent()->Quarantine(0);
      rig.Run();
      rig.AdvanceMs(0);
    } else {
      rig.AdvanceMs(30'000);
      rig.agent()->Quarantine(0);
    }
    rig.Settle();
    const Lines decisions = rig.Take(kDecisions);
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(ParseJson(decisions[0])->Get("verdict")->string_value(),
              reply_first ? "quarantine" : "hold");
    EXPECT_EQ(rig.Take(kActions).size(), reply_first ? 1u : 0u);
    EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2}));
    EXPECT_EQ(rig.LogLines("decisions").size(), 1u);
    EXPECT_EQ(rig.Metric("pending"), 0);
  }
}

TEST(AgentLoopFailure, DuplicateRepliesCountOnce) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 2));
  rig.AdvanceMs(10'000);  // two attempts are under way
  rig.agent()->Quarantine(0);
  rig.agent()->Quarantine(0);
  rig.agent()->Release(1);  // a different opinion comes second
  rig.Settle();
  rig.agent()->Release(1);
  rig.Settle();
  EXPECT_EQ(rig.Take(kDecisions).size(), 1u);
  EXPECT_EQ(rig.Take(kActions).size(), 1u);
  EXPECT_EQ(rig.LogLines("decisions").size(), 1u);
  EXPECT_EQ(rig.Metric("late_replies_total"), 3);
}

TEST(AgentLoopFailure, ALateReplyMayMakeARuleForWhatFollowsAndNothingElse) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 2));
  rig.AdvanceMs(30'000);
  rig.Settle();
  rig.Send(Attack("a", 3, 1));
  rig.Take(kBlocked);
  rig.Take(kDecisions);
  rig.agent()->Quarantine(0);
  rig.Run();
  rig.Send(Attack("a", 4, 1));  // waits until the rule is applied
  EXPECT_TRUE(rig.Take(kBlocked).empty());
  rig.Settle();
  const Lines blocked = rig.Take(kBlocked);
  ASSERT_EQ(LinesOf(blocked), (Ints{4}));
  EXPECT_FALSE(IsFailSafe(blocked[0]));
  EXPECT_TRUE(rig.Take(kDecisions).empty());
  EXPECT_TRUE(rig.Take(kActions).empty());
  EXPECT_EQ(rig.LogLines("decisions").size(), 1u);
  // It does not reach back over what was answered before it came.
  EXPECT_NE(rig.LogLines("rules").at(0).find("\"offset\":\"3\""), std::string::npos);
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_EQ(rig.LogLines("rules").size(), 1u);
  EXPECT_EQ(rig.Metric("pending"), 0);
}

TEST(AgentLoopFailure, MalformedRepliesAreNotAskedForAgain) {
  const auto broken = [](const AgentRequest& request, int kind) {
    AgentReply reply = ScriptedAgent::Quarantine(request);
    if (kind == 0) reply.request_id = "another";
    if (kind == 1) reply.verdict = "";
    if (kind == 2) reply.verdict = "DROP TABLE";
    if (kind == 3) reply.verdict = std::string(1000, 'a');
    return reply;
  };
  for (int kind = 0; kind < 4; ++kind) {
    LoopRig rig;
    rig.Send(Attack("a", 1, 2));
    rig.agent()->Reply(0, broken(rig.agent()->asked[0].request, kind));
    rig.Settle();
    const Lines decisions = rig.Take(kDecisions);
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(ParseJson(decisions[0])->Get("verdict")->string_value(), "hold");
    EXPECT_EQ(rig.agent()->asked.size(), 1u);
    EXPECT_EQ(rig.Metric("bad_replies_total"), 1);
  }
}

TEST(AgentLoopFailure, RetriableErrorsAreAskedAgainAfterABackoff) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 1));
  rig.agent()->Reply(0, absl::UnavailableError("connection refused"));
  rig.Run();
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
  rig.AdvanceMs(100);
  ASSERT_EQ(rig.agent()->asked.size(), 2u);
  rig.agent()->Reply(1, Err(ErrorCode::kAgentUnavailable, "starting"));
  rig.Run();
  rig.AdvanceMs(199);
  EXPECT_EQ(rig.agent()->asked.size(), 2u);
  rig.AdvanceMs(1);
  ASSERT_EQ(rig.agent()->asked.size(), 3u);
  rig.agent()->Quarantine(2);
  rig.Settle();
  EXPECT_NE(rig.LogLines("decisions").at(0).find("\"attempt\":3"), std::string::npos);
}

TEST(AgentLoopFailure, FinalErrorsGoToTheFailSafe) {
  LoopRig rig(LoopOptions{{"agent.fail_safe.action", "alert"}});
  rig.Send(Attack("a", 1, 1));
  rig.agent()->Reply(0, absl::PermissionDeniedError("no"));
  rig.Settle();
  EXPECT_EQ(rig.Take(kDecisions).size(), 1u);
  const Lines actions = rig.Take(kActions);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(ParseJson(actions[0])->Get("action")->string_value(), "alert");
}

TEST(AgentLoopFailure, AtCapacityTheFailSafeDecides) {
  LoopRig rig(LoopOptions{{"agent.capacity", "2"}});
  for (const std::string ip : {"a", "b", "c", "d"}) rig.Send(Attack(ip, ip[0], 1));
  rig.Settle();
  EXPECT_EQ(rig.agent()->asked.size(), 2u);
  EXPECT_EQ(LinesOf(rig.Take(kDecisions)), (Ints{'c', 'd'}));
  EXPECT_EQ(rig.Metric("calls_avoided_total", "capacity"), 2);
  rig.agent()->Quarantine(0);
  rig.Settle();
  rig.Send(Attack("e", 'e', 1));
  EXPECT_EQ(rig.agent()->asked.size(), 3u);
}

TEST(AgentLoopFailure, OrTheInputWaits) {
  LoopRig rig(LoopOptions{{"agent.capacity", "2"}, {"agent.at_capacity", "backpressure"}});
  std::vector<LoopEvent> events;
  for (int64_t i = 1; i <= 4; ++i) events.push_back({"ip" + std::to_string(i), i, 5});
  rig.Send(events);  // one batch may go beyond
  EXPECT_EQ(rig.agent()->asked.size(), 2u);
  EXPECT_FALSE(rig.op()->CanAccept());
  for (size_t i = 0; i < 3; ++i) {
    rig.agent()->Quarantine(i);
    rig.Settle();
  }
  EXPECT_EQ(rig.agent()->asked.size(), 4u);
  EXPECT_TRUE(rig.op()->CanAccept());
  rig.agent()->Quarantine(3);
  rig.Settle();
  EXPECT_EQ(rig.Take(kDecisions).size(), 4u);
  EXPECT_EQ(rig.Metric("failsafe_total"), 0);
}

TEST(AgentLoopFailure, OrTheInputWaitsUntilWaitersHaveRoom) {
  LoopRig rig(
      LoopOptions{{"agent.waiters_per_signature", "2"}, {"agent.at_capacity", "backpressure"}});
  rig.Send(Attack("a", 1, 2));
  EXPECT_TRUE(rig.op()->CanAccept());
  rig.Send(Attack("a", 3, 4));  // one batch may go beyond
  EXPECT_FALSE(rig.op()->CanAccept());
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_TRUE(rig.op()->CanAccept());
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2, 3, 4, 5, 6}));
  EXPECT_EQ(rig.Metric("waiters_refused_total"), 0);
}

TEST(AgentLoopFailure, WaitersBeyondTheBoundAreAnsweredNotReleased) {
  LoopRig rig(LoopOptions{{"agent.waiters_per_signature", "2"}, {"agent.waiters", "3"}});
  rig.Send(Attack("a", 1, 5));              // asks, two wait, two are beyond the signature's bound
  rig.Send(Attack("b", 11, 4));             // asks, one waits, two are beyond the total
  const Lines beyond = rig.Take(kBlocked);  // at once: they must not wait either
  EXPECT_EQ(LinesOf(beyond), (Ints{4, 5, 13, 14}));
  EXPECT_TRUE(std::all_of(beyond.begin(), beyond.end(), IsFailSafe));
  rig.agent()->Quarantine(0);
  rig.agent()->Quarantine(1);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2, 3, 12}));
  EXPECT_EQ(rig.Metric("waiters_refused_total"), 4);
  EXPECT_TRUE(rig.Take(kFast).empty());
}

TEST(AgentLoopFailure, ADiskThatFailsEndsTheTaskNotThePromise) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 1));
  SimFaults faults;
  faults.sync_error = 1;
  rig.env_.fs.SetFaults(faults);
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_TRUE(rig.failed.has_value());
  EXPECT_TRUE(rig.Take(kDecisions).empty());
}

// ---- Bugs put back: each must change what the tests above look at.

TEST(PlantedBugs, H2GivesTheSameEventAnotherId) {
  const auto ids = [] {
    LoopRig rig;
    rig.Send(Attack("a", 1, 1));
    rig.Crash(nullptr);
    rig.env_.AdvanceMs(5);
    rig.Send(Attack("a", 1, 1));
    return rig.agent()->asked.at(0).request.request_id;
  };
  LoopRig reference;
  reference.Send(Attack("a", 1, 1));
  const std::string right = reference.agent()->asked.at(0).request.request_id;
  EXPECT_EQ(ids(), right);
  PlantedBug bug("H-2");
  EXPECT_NE(ids(), right);
}

TEST(PlantedBugs, H7HandlesADuplicateReply) {
  PlantedBug bug("H-7");
  LoopRig rig;
  rig.Send(Attack("a", 1, 1));
  rig.agent()->Quarantine(0);
  rig.Settle();
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_EQ(rig.Take(kDecisions).size(), 2u);
  EXPECT_EQ(rig.Take(kActions).size(), 2u);
}

TEST(PlantedBugs, H10ReleasesBeforeTheRuleIsApplied) {
  PlantedBug bug("H-10");
  LoopRig rig;
  rig.Send({{"a", 1, 5}, {"a", 2, 1}, {"a", 3, 2}});
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kFast)), (Ints{2, 3}));
}

TEST(PlantedBugs, B69LosesARequest) {
  PlantedBug bug("B-69");
  LoopRig rig;
  rig.Send(Attack("a", 1, 1));
  for (int i = 0; i < 3; ++i) rig.AdvanceMs(10'000);
  rig.Settle();
  EXPECT_TRUE(rig.Take(kDecisions).empty());
}

TEST(PlantedBugs, D14LetsARuleReachBack) {
  for (const std::string id : {"", "D14", "B-65"}) {
    PlantedBug bug(id);
    LoopRig rig;
    rig.agent()->automatic = true;
    rig.Send(Attack("a", 1, 6, 1));
    rig.Settle();
    rig.Take(kFast);
    rig.Take(kBlocked);
    rig.Crash(nullptr);
    rig.DeliverRules();
    rig.Send(Attack("a", 1, 4, 1));  // had passed before there was a rule
    EXPECT_EQ(rig.Take(kFast).size(), id.empty() ? 4u : 0u) << id;
  }
}

}  // namespace
}  // namespace weir
