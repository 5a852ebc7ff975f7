// What an agent loop is after a crash: what was decided stays, what was not is asked again.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

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

// Freezes the disk at the nth time a point is reached, and puts a bug back if told to.
class Points : public FailPoints {
 public:
  explicit Points(LoopRig* rig, std::string point = "", std::string bug = "")
      : rig_(rig), point_(std::move(point)), bug_(std::move(bug)) {
    SetFailPoints(this);
  }
  ~Points() override { SetFailPoints(nullptr); }
  void Hit(std::string_view point) override {
    seen.insert(std::string(point));
    if (point != point_) return;
    rig_->env_.fs.Freeze();
    frozen = true;
  }
  bool Bug(std::string_view id) const override { return id == bug_; }
  std::set<std::string> seen;
  bool frozen = false;

 private:
  LoopRig* rig_;
  std::string point_, bug_;
};

TEST(AgentLoopRestore, APendingRequestIsAskedAgainUnderItsId) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 3));
  const std::string id = rig.agent()->asked[0].request.request_id;
  const LoopRig::Saved saved = rig.Checkpoint();
  rig.Crash(&saved);
  ASSERT_EQ(rig.agent()->asked.size(), 1u);
  EXPECT_EQ(rig.agent()->asked[0].request.request_id, id);
  rig.Send(Attack("a", 4, 1, 8));
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kDecisions)), (Ints{1}));
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2, 3, 4}));
  EXPECT_EQ(rig.Metric("pending"), 0);
}

TEST(AgentLoopRestore, ADurableDecisionIsNeverAskedForAgain) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 3));
  const LoopRig::Saved saved = rig.Checkpoint();
  rig.agent()->Quarantine(0);
  rig.Settle();
  const Lines decisions = rig.Take(kDecisions), blocked = rig.Take(kBlocked),
              actions = rig.Take(kActions);
  EXPECT_EQ(blocked.size(), 2u);
  rig.Crash(&saved);
  rig.Settle();
  EXPECT_TRUE(rig.agent()->asked.empty());
  EXPECT_EQ(rig.Take(kDecisions), decisions);  // the same bytes
  EXPECT_EQ(rig.Take(kBlocked), blocked);
  EXPECT_EQ(rig.Take(kActions), actions);
  EXPECT_EQ(rig.LogLines("decisions").size(), 1u);
  EXPECT_EQ(rig.LogLines("rules").size(), 1u);  // it stands already
  EXPECT_GE(rig.Metric("calls_avoided_total", "decision_log"), 1);
}

TEST(AgentLoopRestore, WithoutAnyCheckpointTheReplayGivesTheSame) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 8, 1));
  rig.agent()->Quarantine(0);
  rig.Settle();
  const Lines fast = rig.Take(kFast), decisions = rig.Take(kDecisions),
              blocked = rig.Take(kBlocked);
  rig.Crash(nullptr);
  rig.DeliverRules();  // the rule is there before the lines that led to it
  rig.Send(Attack("a", 1, 8, 1));
  rig.Settle();
  EXPECT_EQ(rig.Take(kFast), fast);
  EXPECT_EQ(rig.Take(kDecisions), decisions);
  EXPECT_EQ(rig.Take(kBlocked), blocked);
  EXPECT_TRUE(rig.agent()->asked.empty());
}

// The rule of an event that came later, from another split, answers the decided one on a replay.
TEST(AgentLoopRestore, ADurableDecisionGoesBeforeTheRulesThatCameAfterIt) {
  LoopRig rig;
  const LoopEvent first{"a", 3, 5, 200, "root", 1}, second{"a", 1, 5, 100, "root", 0};
  for (const LoopEvent& event : {first, second}) {
    rig.Send({event});
    rig.agent()->Quarantine(rig.agent()->asked.size() - 1);
    rig.Settle();
  }
  const Lines decisions = rig.Take(kDecisions), actions = rig.Take(kActions);
  EXPECT_EQ(LinesOf(decisions), (Ints{3, 1}));
  for (const bool together : {false, true}) {
    rig.Crash(nullptr);
    rig.Settle();
    if (together) {
      rig.Send({first, second});
    } else {
      rig.Send({first});
      rig.Send({second});
    }
    rig.Settle();
    EXPECT_TRUE(rig.agent()->asked.empty());
    EXPECT_EQ(rig.Take(kDecisions), decisions);
    EXPECT_EQ(rig.Take(kActions), actions);
    EXPECT_EQ(rig.Take(kBlocked), Lines());
    EXPECT_EQ(rig.Metric("pending"), 0);
  }
}

// Broadcast state comes from one subtask, and an agent loop that waits for room reads on behind the
// barrier of its control input: the subtask that answered by a rule may have been the only one that
// had it.
TEST(AgentLoopRestore, ARuleThatOnlyThisSubtaskHadIsThereBeforeTheNextEvent) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 2));
  const LoopRig::Saved before = rig.Checkpoint();
  rig.agent()->Quarantine(0);
  rig.Settle();
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2}));
  LoopRig::Saved saved = rig.Checkpoint();
  const auto is_rules = [](const SealedTable& table) { return table.name == "rules"; };
  std::erase_if(saved.state.tables, is_rules);  // of the subtask that has not
  saved.pieces.insert(saved.pieces.end(), before.pieces.begin(), before.pieces.end());
  saved.rules_read = before.rules_read;
  rig.Crash(&saved);
  rig.Run();
  rig.Send(Attack("a", 3, 1, 1));  // not novel: without the rule it would pass
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{3}));
  EXPECT_EQ(rig.Take(kFast), Lines());
}

TEST(AgentLoopRestore, ADecidedRequestWhoseRuleGotLostAppendsItAgain) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 3));
  LoopRig::Saved saved;
  {
    Points points(&rig, "rule.append.before");
    rig.agent()->Quarantine(0);
    rig.Run();
    EXPECT_TRUE(points.frozen);
    saved = rig.Checkpoint();  // decided, the rule not durable
  }
  EXPECT_EQ(rig.Take(kDecisions).size(), 1u);
  rig.Crash(&saved);
  EXPECT_EQ(rig.LogLines("rules").size(), 1u);
  rig.Settle();
  EXPECT_TRUE(rig.agent()->asked.empty());
  EXPECT_TRUE(rig.Take(kDecisions).empty());  // had left before the checkpoint
  EXPECT_EQ(LinesOf(rig.Take(kBlocked)), (Ints{2, 3}));
  EXPECT_EQ(rig.Metric("pending"), 0);
}

TEST(AgentLoopRestore, APartOfAReleaseGoesOn) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 3001));
  rig.agent()->Quarantine(0);
  rig.Run();
  rig.DeliverRules();  // the first slice has left
  const LoopRig::Saved saved = rig.Checkpoint();
  const size_t before = rig.Take(kBlocked).size();
  EXPECT_LT(before, 3000u);
  EXPECT_GT(before, 0u);
  rig.Crash(&saved);
  rig.Settle();
  const Ints rest = LinesOf(rig.Take(kBlocked));
  EXPECT_EQ(rest.size(), 3000u - before);
  EXPECT_TRUE(std::is_sorted(rest.begin(), rest.end()));
  EXPECT_EQ(rig.Metric("pending"), 0);
}

TEST(AgentLoopRestore, TheHeldTimeIsHeldAgain) {
  LoopRig rig;
  rig.Watermark(100);
  rig.Send(Attack("a", 1, 2));
  rig.Watermark(900);
  const LoopRig::Saved saved = rig.Checkpoint();
  rig.Crash(&saved);
  rig.Watermark(950);
  EXPECT_EQ(rig.watermarks[kFast], 950);
  EXPECT_EQ(rig.watermarks[kBlocked], 100);
}

TEST(AgentLoopRestore, InputWaitsUntilTheLogsAreRead) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 1));
  rig.agent()->Quarantine(0);
  rig.Settle();
  rig.Crash(nullptr);
  EXPECT_TRUE(rig.op()->CanAccept());  // Crash runs the mail; a corrupt log would show here
  EXPECT_FALSE(rig.failed.has_value());
  // A line that is no decision is corruption: the job must not guess.
  auto writer = rig.log()->OpenWriter("_weir.job.guard.decisions", 5, 99).value();
  const LogAppend record{"{\"broken\":", "", "", 0};
  ASSERT_TRUE(writer->Append({&record, 1}).ok());
  ASSERT_TRUE(writer->Sync().ok());
  rig.Crash(nullptr);
  EXPECT_FALSE(rig.op()->CanAccept());
  ASSERT_TRUE(rig.failed.has_value());
}

// The bug: a restored request is asked about without looking at the decision log.
TEST(AgentLoopRestore, H1AsksAgainAndChangesItsMind) {
  LoopRig rig;
  rig.Send(Attack("a", 1, 2));
  const LoopRig::Saved saved = rig.Checkpoint();
  rig.agent()->Quarantine(0);
  rig.Settle();
  const Lines first = rig.Take(kDecisions);
  Points points(&rig, "", "H-1");
  rig.Crash(&saved);
  ASSERT_EQ(rig.agent()->asked.size(), 1u);
  rig.agent()->Release(0);
  rig.Settle();
  EXPECT_NE(rig.Take(kDecisions), first);
}

TEST(AgentLoopRestore, ReachesEveryNamedPoint) {
  LoopRig rig;
  Points points(&rig);
  rig.Send(Attack("a", 1, 2));
  rig.agent()->Quarantine(0);
  rig.Settle();
  for (const std::string point : {"decision.append.before", "decision.append.after",
                                  "rule.append.before", "rule.append.after", "rule.apply.before",
                                  "rule.apply.after", "agent.send", "agent.reply"}) {
    EXPECT_EQ(points.seen.count(point), 1u) << point;
  }
}

}  // namespace
}  // namespace weir
