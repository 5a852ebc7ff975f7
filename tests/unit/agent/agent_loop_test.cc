#include <gtest/gtest.h>

#include "tests/unit/agent/loop_rig.h"

namespace weir {
namespace {

using Lines = std::vector<std::string>;

// Events of one address: line numbers from `first`, the count rising to `top`.
std::vector<LoopEvent> Attack(const std::string& ip, int64_t first, int64_t n, int64_t from = 1) {
  std::vector<LoopEvent> events;
  for (int64_t i = 0; i < n; ++i) events.push_back({ip, first + i, from + i});
  return events;
}

TEST(AgentLoop, TheFifthEventIsEscalatedOnceAndLaterOnesAreBlocked) {
  LoopRig rig;
  rig.agent()->automatic = true;
  rig.Send(Attack("1.2.3.4", 1, 8));
  EXPECT_EQ(rig.Take(LoopRig::kFast).size(), 4u);
  EXPECT_TRUE(rig.Take(LoopRig::kDecisions).empty());
  rig.Settle();
  const Lines decisions = rig.Take(LoopRig::kDecisions);
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].substr(0, 78),
            R"({"line":5,"ts":5000,"src_ip":"1.2.3.4","verdict":"quarantine","rule_id":"7c5e)");
  const Lines blocked = rig.Take(LoopRig::kBlocked);
  ASSERT_EQ(blocked.size(), 3u);
  EXPECT_EQ(blocked[0].substr(0, 52), R"({"line":6,"ts":6000,"src_ip":"1.2.3.4","rule_id":"7c)");
  EXPECT_EQ(rig.Take(LoopRig::kActions).size(), 1u);
  rig.Send(Attack("1.2.3.4", 9, 2, 1));
  EXPECT_EQ(rig.Take(LoopRig::kBlocked).size(), 2u);
  EXPECT_EQ(rig.agent()->asked.size(), 1u);
  EXPECT_FALSE(rig.failed.has_value());
}

}  // namespace
}  // namespace weir
