#include "agent/reason/memo_channel.h"

#include <gtest/gtest.h>

#include "agent/reason/embedded_memo.h"
#include "agent/reason/memo_entry.h"
#include "engine/base/testing_env.h"
#include "fakes.h"

namespace weir {
namespace {

class MemoChannelTest : public ::testing::Test {
 protected:
  MemoChannelTest() {
    options.versions = {"openai/1", "m", "p", "s", "y"};
    options.ttl_ms = 60'000;
    options.timeout_ms = 50;
    Make(memo);
  }
  void Make(std::shared_ptr<Memo> of) {
    channel = std::make_unique<MemoChannel>(env.env(), reasoner, std::move(of), options, &metrics);
  }
  void Ask(const std::string& id = "ab12") {
    channel->Decide(MakeRequest(id), [this](StatusOr<AgentReply> r) { replies.push_back(r); });
    env.RunPending();
  }
  int64_t Lookups(const char* result) {
    return metrics.Sum("weir_memo_lookups_total", {{"result", result}});
  }

  TestEnv env;
  MetricRegistry metrics;
  MemoChannelOptions options;
  std::shared_ptr<FakeReasoner> reasoner = std::make_shared<FakeReasoner>();
  std::shared_ptr<FakeMemo> memo = std::make_shared<FakeMemo>();
  std::unique_ptr<MemoChannel> channel;
  std::vector<StatusOr<AgentReply>> replies;
};

TEST_F(MemoChannelTest, SecondTimeIsFreeAndTheSame) {
  Ask();
  reasoner->Answer(0);
  Ask();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(reasoner->asked.size(), 1u);
  const AgentReply &paid = *replies[0], &free = *replies[1];
  EXPECT_FALSE(paid.from_memo);
  EXPECT_EQ(paid.tokens_in, 100);
  EXPECT_TRUE(free.from_memo);
  EXPECT_EQ(free.tokens_in, 0);
  EXPECT_EQ(free.tokens_out, 0);
  EXPECT_EQ(free.request_id, paid.request_id);
  EXPECT_EQ(free.verdict, paid.verdict);
  EXPECT_EQ(free.reason, paid.reason);
  EXPECT_EQ(free.confidence, paid.confidence);
  EXPECT_EQ(free.agent, paid.agent);
  ASSERT_EQ(free.rules.size(), 1u);
  EXPECT_EQ(free.rules[0].predicate, "a == 1");
  EXPECT_EQ(free.rules[0].ttl_ms, 60'000);
  EXPECT_EQ(Lookups("hit"), 1);
  EXPECT_EQ(Lookups("miss"), 1);
  EXPECT_EQ(memo->ttls, std::vector<int64_t>{60'000});
}

TEST_F(MemoChannelTest, OtherVersionsAndNamespacesDoNotAnswer) {
  Ask();
  reasoner->Answer(0);
  const auto expect_asked = [&](size_t n) {
    Make(memo);
    Ask();
    EXPECT_EQ(reasoner->asked.size(), n);
    reasoner->Answer(n - 1);
  };
  options.versions.prompt = "p2";
  expect_asked(2);
  options.name_space = "shadow";
  expect_asked(3);
  Ask("cd34");
  EXPECT_EQ(reasoner->asked.size(), 4u);
}

TEST(MemoKeyTest, PartsCannotFlowIntoEachOther) {
  EXPECT_NE(MemoKey("a", "bc", {}), MemoKey("ab", "c", {}));
  EXPECT_NE(MemoKey("", "a", {"b", "", "", "", ""}), MemoKey("", "a", {"", "b", "", "", ""}));
  // Written down: replies of an older build must be found by a newer one.
  EXPECT_EQ(MemoKey("", "ab12", {"openai/1", "m", "p", "s", "y"}).size(), 64u);
}

TEST_F(MemoChannelTest, OneFlightPerQuestion) {
  for (int i = 0; i < 5; ++i) Ask();
  EXPECT_EQ(reasoner->asked.size(), 1u);
  EXPECT_EQ(memo->gets, 1);
  reasoner->Answer(0);
  ASSERT_EQ(replies.size(), 5u);
  int64_t tokens = 0;
  for (const auto& reply : replies) tokens += reply->tokens_in;
  EXPECT_EQ(tokens, 100) << "paid for once";
  EXPECT_EQ(metrics.Sum("weir_memo_joined_total"), 4);
}

TEST_F(MemoChannelTest, ErrorsGoToAllAndAreNotKept) {
  Ask();
  Ask();
  reasoner->asked[0].second(WithRetryAfter(Err(ErrorCode::kAgentRateLimited, "x"), 9));
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(RetryAfterMs(replies[1].status()), 9);
  EXPECT_TRUE(memo->entries.empty());
  Ask();
  EXPECT_EQ(reasoner->asked.size(), 2u);
}

TEST_F(MemoChannelTest, CorruptEntriesAreMisses) {
  Ask();
  reasoner->Answer(0);
  const std::string good = memo->entries.begin()->second;
  const std::string key = memo->entries.begin()->first;
  std::vector<std::string> bad = {"", "x", good.substr(0, good.size() - 1), good + "x"};
  for (size_t i = 0; i < good.size(); ++i) {
    bad.push_back(good);
    bad.back()[i] ^= 0x10;
  }
  for (size_t i = 0; i < bad.size(); ++i) {
    memo->entries[key] = bad[i];
    Ask();
    ASSERT_EQ(reasoner->asked.size(), i + 2) << "variant " << i << " was believed";
    reasoner->Answer(i + 1);
  }
  EXPECT_EQ(Lookups("corrupt"), static_cast<int64_t>(bad.size()));
}

TEST_F(MemoChannelTest, AnEntryUnderAnotherKeyIsNotBelieved) {
  Ask("ab12");
  reasoner->Answer(0);
  const std::string entry = memo->entries.begin()->second;
  const std::string other = MemoKey("", "cd34", options.versions);
  memo->entries[other] = entry;
  Ask("cd34");
  EXPECT_EQ(reasoner->asked.size(), 2u);
  EXPECT_EQ(Lookups("corrupt"), 1);
}

TEST_F(MemoChannelTest, SlowMemoCostsItsBudgetAndNoMore) {
  memo->silent = true;
  Ask();
  EXPECT_EQ(reasoner->asked.size(), 0u);
  env.AdvanceMs(49);
  env.RunPending();
  EXPECT_EQ(reasoner->asked.size(), 0u);
  env.AdvanceMs(1);
  env.RunPending();
  ASSERT_EQ(reasoner->asked.size(), 1u);
  EXPECT_EQ(Lookups("late"), 1);
  memo->pending[0]("late bytes");  // nobody waits for them
  EXPECT_EQ(reasoner->asked.size(), 1u);
  reasoner->Answer(0);
  EXPECT_EQ(replies.size(), 1u);
}

TEST_F(MemoChannelTest, AReasonerThatNeverAnswersIsAskedAgain) {
  Ask();
  env.AdvanceMs(options.max_flight_ms);
  Ask();
  ASSERT_EQ(reasoner->asked.size(), 2u);
  reasoner->asked[0].second(Err(ErrorCode::kAgentUpstream, "late failure of the first"));
  EXPECT_TRUE(replies.empty()) << "the second flight is still under way";
  reasoner->Answer(1);
  EXPECT_EQ(replies.size(), 2u);
  reasoner->Answer(0);  // late and twice
  EXPECT_EQ(replies.size(), 2u);
}

TEST_F(MemoChannelTest, BoundsRefuseAtOnce) {
  options.max_flights = 2;
  options.max_waiters = 3;
  Make(memo);
  Ask("a1");
  Ask("a2");
  Ask("a3");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(ErrorNumber(replies[0].status()), static_cast<int>(ErrorCode::kAgentCapacity));
  Ask("a1");
  Ask("a1");
  EXPECT_EQ(replies.size(), 2u);
  reasoner->Answer(0);
  reasoner->Answer(1);
  EXPECT_EQ(replies.size(), 5u);
  Ask("a4");
  EXPECT_EQ(reasoner->asked.size(), 3u) << "places are free again";
}

TEST_F(MemoChannelTest, EmbeddedMemoExpiresAndEvicts) {
  const auto embedded = std::make_shared<EmbeddedMemo>(&env.clock, 2'000, &metrics);
  Make(embedded);
  Ask();
  reasoner->Answer(0);
  env.AdvanceMs(59'999);
  Ask();
  EXPECT_EQ(reasoner->asked.size(), 1u);
  env.AdvanceMs(1);
  Ask();
  EXPECT_EQ(reasoner->asked.size(), 2u);
  reasoner->Answer(1);
  for (int i = 0; i < 20; ++i) {
    Ask("id" + std::to_string(i));
    reasoner->Answer(reasoner->asked.size() - 1);
  }
  EXPECT_GT(metrics.Sum("weir_memo_evicted_total"), 10);
  EXPECT_LE(metrics.Sum("weir_memo_bytes"), 2'000);
  const size_t asked = reasoner->asked.size();
  Ask("id19");
  EXPECT_EQ(reasoner->asked.size(), asked) << "the newest stays";
  Ask("id0");
  EXPECT_EQ(reasoner->asked.size(), asked + 1) << "the oldest went";
}

}  // namespace
}  // namespace weir
