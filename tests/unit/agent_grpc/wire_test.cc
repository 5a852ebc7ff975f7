#include "agent/grpc/wire.h"

#include <gtest/gtest.h>

#include "weir/agent/v1/agent_service.pb.h"

namespace weir {
namespace {

StatusOr<AgentReply> OverTheWire(const StatusOr<AgentReply>& reply) {
  agent::v1::DecideReply message;
  ReplyToProto("ab12", 1, reply, &message);
  return ReplyFromProto(message).reply;
}

TEST(WireTest, AnErrorKeepsItsNumberAndItsTime) {
  const Status limited = WithRetryAfter(Err(ErrorCode::kAgentRateLimited, "slow down"), 1'500);
  const Status got = OverTheWire(limited).status();
  EXPECT_EQ(ErrorNumber(got), static_cast<int>(ErrorCode::kAgentRateLimited));
  EXPECT_EQ(RetryAfterMs(got), 1'500);
  EXPECT_TRUE(IsRetriable(got));
  EXPECT_EQ(RetryAfterMs(OverTheWire(Err(ErrorCode::kAgentUpstream, "x")).status()), 0);
}

TEST(WireTest, AHostileTimeIsBounded) {
  agent::v1::DecideReply message;
  ReplyToProto("ab12", 1, Err(ErrorCode::kAgentUpstream, "x"), &message);
  message.set_retry_after_ms(INT64_MAX);
  EXPECT_EQ(RetryAfterMs(ReplyFromProto(message).reply.status()), 600'000);
  message.set_retry_after_ms(-5);
  EXPECT_EQ(RetryAfterMs(ReplyFromProto(message).reply.status()), 0);
}

TEST(WireTest, AReplyIsTheSameOnTheOtherSide) {
  AgentReply reply;
  reply.request_id = "ab12";
  reply.verdict = "hold";
  reply.reason = "r";
  reply.confidence = 0.5;
  reply.rules.push_back({"a == 1", "block", 5, "x"});
  reply.agent = "rules/1";
  reply.from_memo = true;
  const StatusOr<AgentReply> got = OverTheWire(reply);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->verdict, "hold");
  EXPECT_EQ(got->confidence, 0.5);
  EXPECT_TRUE(got->from_memo);
  ASSERT_EQ(got->rules.size(), 1u);
  EXPECT_EQ(got->rules[0].ttl_ms, 5);
}

}  // namespace
}  // namespace weir
