#include "engine/core/agent_errors.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(AgentErrors, WhatIsWorthAnotherAttempt) {
  const Status away = Err(ErrorCode::kAgentUnavailable, "away", "look");
  EXPECT_TRUE(IsWorthAnotherAttempt(away));
  EXPECT_TRUE(IsWorthAnotherAttempt(absl::UnavailableError("away")));
  EXPECT_TRUE(IsWorthAnotherAttempt(Err(ErrorCode::kAgentCapacity, "full")));
  EXPECT_FALSE(IsWorthAnotherAttempt(Err(ErrorCode::kAgentBadReply, "bad")));
  EXPECT_FALSE(IsWorthAnotherAttempt(absl::OkStatus()));
  const Status marked = NoFurtherAttempt(away);
  EXPECT_FALSE(IsWorthAnotherAttempt(marked));
  EXPECT_EQ(FormatError(marked), FormatError(away));
}

}  // namespace
}  // namespace weir
