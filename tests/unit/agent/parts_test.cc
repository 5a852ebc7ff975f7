// The small parts: attempts, flights, late replies, protected values, pending entries, decisions.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "agent/attempts.h"
#include "agent/decider.h"
#include "agent/embedded_agent.h"
#include "agent/flight.h"
#include "agent/late_replies.h"
#include "agent/pending.h"
#include "agent/protected_values.h"
#include "engine/base/testing_env.h"
#include "tests/unit/agent/loop_rig.h"

namespace weir {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

Attempts::Config Config(size_t capacity = 2) {
  Attempts::Config c;
  c.capacity = capacity;
  c.timeout_ns = 30 * kSecond;
  c.attempt_timeout_ns = 10 * kSecond;
  return c;
}

std::vector<std::pair<int64_t, bool>> Due(Attempts* attempts, int64_t now) {
  std::vector<Attempts::Due> due;
  attempts->TakeDue(now, &due);
  std::vector<std::pair<int64_t, bool>> out;
  for (const auto& d : due) out.emplace_back(d.sequence, d.gave_up);
  return out;
}
using Dues = std::vector<std::pair<int64_t, bool>>;

TEST(Attempts, SendsInOrderUpToTheCapacity) {
  Attempts attempts(Config());
  for (const int64_t s : {1, 2, 3}) attempts.Add(s);
  EXPECT_EQ(attempts.TakeSendable(0), 1);
  EXPECT_EQ(attempts.TakeSendable(0), 2);
  EXPECT_EQ(attempts.TakeSendable(0), -1);
  EXPECT_TRUE(attempts.full());
  EXPECT_EQ(attempts.unsent(), 1u);
  attempts.Remove(1);
  EXPECT_EQ(attempts.TakeSendable(0), 3);
  attempts.Remove(3);
  attempts.Remove(3);
  EXPECT_EQ(attempts.in_flight(), 1u);
}

TEST(Attempts, RetriesUntilTheOverallTimeout) {
  Attempts attempts(Config());
  attempts.Add(1);
  attempts.TakeSendable(0);
  EXPECT_EQ(attempts.next_ns(), 10 * kSecond);
  EXPECT_TRUE(Due(&attempts, 10 * kSecond - 1).empty());
  EXPECT_EQ(Due(&attempts, 10 * kSecond), (Dues{{1, false}}));
  EXPECT_EQ(attempts.attempt(1), 2);
  EXPECT_EQ(Due(&attempts, 20 * kSecond), (Dues{{1, false}}));
  // The third attempt's own time and the overall one come together: giving up wins, once.
  EXPECT_EQ(Due(&attempts, 30 * kSecond), (Dues{{1, true}}));
  EXPECT_EQ(attempts.next_ns(), INT64_MAX);
  EXPECT_EQ(attempts.in_flight(), 0u);
}

TEST(Attempts, FailuresBackOff) {
  Attempts attempts(Config());
  attempts.Add(1);
  attempts.TakeSendable(0);
  attempts.RetryLater(1, 0);
  EXPECT_EQ(attempts.next_ns(), kSecond / 10);
  EXPECT_EQ(Due(&attempts, kSecond / 10), (Dues{{1, false}}));
  attempts.RetryLater(1, kSecond);
  EXPECT_EQ(attempts.next_ns(), kSecond + kSecond / 5);
  attempts.Remove(1);
  EXPECT_EQ(attempts.next_ns(), INT64_MAX);
  attempts.RetryLater(1, kSecond);  // gone: nothing
  EXPECT_EQ(attempts.next_ns(), INT64_MAX);
}

TEST(Attempts, TheAgentMayAskForMoreTimeButNotForLessOrBeyondTheEnd) {
  Attempts attempts(Config());
  attempts.Add(1);
  attempts.TakeSendable(0);
  attempts.RetryLater(1, 0, 7 * kSecond);
  EXPECT_EQ(attempts.next_ns(), 7 * kSecond);
  EXPECT_EQ(Due(&attempts, 7 * kSecond), (Dues{{1, false}}));
  attempts.RetryLater(1, 7 * kSecond, 1);
  EXPECT_EQ(attempts.next_ns(), 7 * kSecond + kSecond / 5);
  attempts.RetryLater(1, 7 * kSecond, 3600 * kSecond);
  EXPECT_EQ(attempts.next_ns(), 30 * kSecond) << "the overall timeout";
  EXPECT_EQ(Due(&attempts, 30 * kSecond), (Dues{{1, true}}));
}

TEST(Attempts, ALongSleepGivesUpOnce) {
  Attempts attempts(Config());
  attempts.Add(1);
  attempts.TakeSendable(0);
  EXPECT_EQ(Due(&attempts, 500 * kSecond), (Dues{{1, true}}));
  EXPECT_TRUE(Due(&attempts, 501 * kSecond).empty());
}

// Whatever happens, a request that was sent and not removed ends in exactly one "gave up".
RC_GTEST_PROP(AttemptsProperty, NothingIsLostAndNothingGivesUpTwice, ()) {
  Attempts attempts(Config(3));
  std::map<int64_t, int> gave_up;
  std::set<int64_t> removed;
  int64_t now = 0, next = 0;
  for (int i = 0; i < 60; ++i) {
    now += *rc::gen::inRange<int64_t>(0, 15 * kSecond);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        attempts.Add(++next);
        break;
      case 1:
        attempts.RetryLater(*rc::gen::inRange<int64_t>(0, next + 1), now);
        break;
      case 2: {
        const int64_t s = *rc::gen::inRange<int64_t>(0, next + 1);
        attempts.Remove(s);
        removed.insert(s);
        break;
      }
      default:
        for (const auto& [s, up] : Due(&attempts, now)) gave_up[s] += up ? 1 : 0;
    }
    while (attempts.TakeSendable(now) >= 0) {
    }
    RC_ASSERT(attempts.in_flight() <= 3u);
  }
  for (int i = 0; i < 200; ++i) {
    now += 31 * kSecond;
    for (const auto& [s, up] : Due(&attempts, now)) gave_up[s] += up ? 1 : 0;
    while (attempts.TakeSendable(now) >= 0) {
    }
  }
  for (int64_t s = 1; s <= next; ++s) RC_ASSERT(gave_up[s] == 1 || removed.count(s) == 1);
  for (const auto& [s, times] : gave_up) RC_ASSERT(times <= 1);
}

TEST(FlightTable, BoundsPerSignatureAndInTotal) {
  FlightTable flights(2, 3);
  EXPECT_EQ(flights.Find("a"), nullptr);
  Flight* a = flights.Open("a", 1);
  Flight* b = flights.Open("b", 2);
  for (const int64_t s : {3, 4}) {
    EXPECT_TRUE(flights.HasRoom(*a));
    flights.AddWaiter(a, s);
  }
  EXPECT_FALSE(flights.HasRoom(*a));
  EXPECT_TRUE(flights.HasRoom(*b));
  flights.AddWaiter(b, 5);
  EXPECT_FALSE(flights.HasRoom(*b));
  EXPECT_EQ(flights.TakeWaiter(a), 3);
  EXPECT_TRUE(flights.HasRoom(*b));
  flights.PutBack(a, 3);
  EXPECT_EQ(flights.TakeWaiter(a), 3);
  EXPECT_EQ(flights.TakeWaiter(a), 4);
  flights.Close(b);
  EXPECT_EQ(flights.waiting(), 0u);
  EXPECT_EQ(flights.Find("b"), nullptr);
  EXPECT_EQ(flights.Find("a"), a);
}

TEST(LateReplies, AreBoundedAndFollowTheNewestEvent) {
  LateReplies late(2);
  for (const std::string s : {"a", "b", "c"}) {
    LateReplies::Entry e;
    e.signature = s;
    e.request_id = "r" + s;
    late.Remember(e);
  }
  EXPECT_EQ(late.Find("ra"), nullptr);  // the oldest made room
  RecordBatch batch(LoopSchema());
  batch.AppendMeta(50, Origin{0, 1, 7}, 0);
  late.NoteAnswered("b", batch, 0);
  const auto b = late.Take("rb");
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(b->newest.origin, (Origin{0, 1, 7}));
  EXPECT_EQ(b->newest.event_time_ms, 50);
  EXPECT_FALSE(late.Take("rb").has_value());
  EXPECT_TRUE(late.Take("rc").has_value());
  EXPECT_TRUE(late.empty());
}

TEST(ProtectedValues, ReadsAndFindsValues) {
  const auto values = ProtectedValues::Create(*LoopSchema(), {"src_ip=a=b", "count=7"});
  ASSERT_TRUE(values.ok());
  RecordBatch batch(LoopSchema());
  for (const auto& [ip, count] :
       std::vector<std::pair<std::string, int64_t>>{{"a=b", 1}, {"x", 7}, {"x", 1}}) {
    batch.column(0).AppendInt(1);
    batch.column(1).AppendInt(1);
    batch.column(2).AppendString(ip);
    batch.column(3).AppendString("u");
    batch.column(4).AppendInt(count);
    batch.AppendMeta(0, Origin{}, 0);
  }
  EXPECT_TRUE(values->Covers(batch, 0));
  EXPECT_TRUE(values->Covers(batch, 1));
  EXPECT_FALSE(values->Covers(batch, 2));
  for (const std::string entry : {"src_ip", "nope=1", "count=x"}) {
    EXPECT_FALSE(ProtectedValues::Create(*LoopSchema(), {entry}).ok()) << entry;
  }
}

TEST(PendingEntry, EncodingReadsBack) {
  PendingEntry e;
  e.kind = PendingEntry::Kind::kRequest;
  e.decided = e.settled = true;
  e.key_hash = 0xFEDCBA9876543210u;
  e.watermark = kNoTimestamp;
  e.seq = 3;
  e.row = std::string("\0row", 4);
  e.signature = "s";
  e.request_id = "r";
  e.decision = "d";
  e.rule_id = "x";
  std::string bytes, again;
  Codec<PendingEntry>::Encode(e, &bytes);
  PendingEntry back;
  ByteReader in(bytes);
  ASSERT_TRUE(Codec<PendingEntry>::Decode(&in, &back) && in.AtEnd());
  Codec<PendingEntry>::Encode(back, &again);
  EXPECT_EQ(again, bytes);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader torn(std::string_view(bytes).substr(0, cut));
    EXPECT_FALSE(Codec<PendingEntry>::Decode(&torn, &back)) << cut;
  }
}

AgentRequest Request(const std::string& context) {
  AgentRequest request;
  request.request_id = "r";
  request.context_json = context;
  return request;
}

TEST(EmbeddedAgent, DecidesByTheStatistics) {
  const auto judge = [](const std::string& context) {
    return EmbeddedAgent::Judge(Request(context));
  };
  const auto attack =
      judge(R"({"event":{},"signature":{"src_ip":"1.2.3.4"},"novelty":{"count":5,"known":false}})");
  ASSERT_TRUE(attack.ok());
  EXPECT_EQ(attack->request_id, "r");
  EXPECT_EQ(attack->verdict, "quarantine");
  ASSERT_EQ(attack->rules.size(), 1u);
  EXPECT_EQ(attack->rules[0].predicate, "src_ip == \"1.2.3.4\"");
  EXPECT_EQ(attack->rules[0].action, "block");
  EXPECT_EQ(attack->reason, "count = 5");
  for (const char* novelty : {"{}", "{\"count\":0}", "{\"count\":-1.5}", "{\"a\":null}",
                              "{\"a\":\"x\"}", "{\"a\":false}"}) {
    const auto calm = judge(std::string("{\"signature\":{},\"novelty\":") + novelty + "}");
    ASSERT_TRUE(calm.ok());
    EXPECT_EQ(calm->verdict, "release") << novelty;
    EXPECT_TRUE(calm->rules.empty());
  }
  // Masked or unwritable signatures are left to the engine.
  for (const char* signature : {"{}", "{\"src_ip\":\"hmac:00\"}", "{\"n\":5}"}) {
    const auto masked =
        judge(std::string("{\"novelty\":{\"c\":1},\"signature\":") + signature + "}");
    EXPECT_EQ(masked->rules.at(0).predicate, "") << signature;
  }
  for (const char* text : {"", "{", "[]", "{}", "{\"novelty\":1,\"signature\":{}}"}) {
    EXPECT_EQ(ErrorNumber(judge(text).status()), 5002) << text;
  }
}

TEST(EmbeddedAgent, NeverAnswersInline) {
  TestEnv env;
  const AgentChannelType type = MakeEmbeddedAgentType();
  EXPECT_EQ(type.scheme, "embedded");
  const auto channel = type.create(env.env(), "embedded").value();
  int replies = 0;
  channel->Decide(Request("{}"), [&](const StatusOr<AgentReply>&) { ++replies; });
  EXPECT_EQ(replies, 0);
  env.RunPending();
  EXPECT_EQ(replies, 1);
}

}  // namespace
}  // namespace weir
