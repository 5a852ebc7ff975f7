#include "agent/rule_index.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

SchemaPtr TestSchema() {
  static const SchemaPtr schema = MakeSchema({{"ip", Type{TypeKind::kString, {}}, true},
                                              {"port", Type{TypeKind::kInt64, {}}, true},
                                              {"kind", Type{TypeKind::kString, {}}, false}});
  return schema;
}

Signature TestSignature() { return Signature::Create(*TestSchema(), {"ip"}).value(); }

struct Event {
  std::optional<std::string> ip;
  int64_t port = 22;
  std::string kind = "failed";
  int64_t offset = 100;
  int64_t time = 1000;
};

RecordBatch Batch(const std::vector<Event>& events) {
  RecordBatch batch(TestSchema());
  for (const Event& e : events) {
    e.ip ? batch.column(0).AppendString(*e.ip) : batch.column(0).AppendNull();
    batch.column(1).AppendInt(e.port);
    batch.column(2).AppendString(e.kind);
    batch.AppendMeta(e.time, Origin{0, 0, e.offset}, 0);
  }
  return batch;
}

Rule MakeRule(const std::string& predicate, int64_t offset = 0, int64_t time = 0,
              int64_t expires = 1'000'000, int64_t version = 1) {
  Rule rule;
  rule.predicate = predicate;
  rule.action = "block";
  rule.scope = "any";
  rule.origin = {{0, 0, offset}, time};
  rule.expires_ms = expires;
  rule.version = version;
  rule.id = MakeRuleId(rule);
  return rule;
}

Rule Exact(const std::string& ip, int64_t offset = 0, int64_t time = 0) {
  Rule rule = MakeRule("", offset, time);
  rule.signature = ip;
  rule.signature_text = "ip=" + ip;
  rule.id = MakeRuleId(rule);
  return rule;
}

// The ids of the rules that answer, "" for none.
std::vector<std::string> MatchAll(RuleIndex* index, const RecordBatch& batch) {
  Signature signature = TestSignature();
  std::vector<std::string_view> signatures;
  signature.Select(batch, &signatures);
  std::vector<uint32_t> rows(batch.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  std::vector<const Rule*> out;
  index->Match(batch, rows, signatures, &out);
  std::vector<std::string> ids;
  for (const Rule* rule : out) ids.push_back(rule == nullptr ? "" : RuleKey(*rule));
  return ids;
}

TEST(RuleIndex, FindsBySignaturePredicateAndList) {
  RuleIndex index(TestSchema(), TestSignature());
  const Rule exact = Exact("a"), plain = MakeRule("ip == \"b\""),
             residual = MakeRule("ip == \"c\" && port > 100"), column = MakeRule("kind == \"x\""),
             free = MakeRule("port > 60000");
  for (const Rule& rule : {exact, plain, residual, column, free}) {
    ASSERT_TRUE(index.Add(rule).ok());
  }
  EXPECT_EQ(index.size(), 5u);
  EXPECT_EQ(index.unindexed(), 1u);
  const RecordBatch batch = Batch({{"a"},
                                   {"b"},
                                   {"c"},
                                   {"c", 101},
                                   {"d", 1, "x"},
                                   {"d", 65000},
                                   {"d"},
                                   {std::nullopt, 65000, "x"}});
  EXPECT_EQ(MatchAll(&index, batch),
            (std::vector<std::string>{RuleKey(exact), RuleKey(plain), "", RuleKey(residual),
                                      RuleKey(column), RuleKey(free), "", ""}));
  for (const Rule& rule : {exact, plain, residual, column, free}) {
    EXPECT_TRUE(index.Remove(RuleKey(rule)));
    EXPECT_FALSE(index.Remove(RuleKey(rule)));
  }
  EXPECT_EQ(MatchAll(&index, batch), std::vector<std::string>(8, ""));
}

TEST(RuleIndex, OriginAndExpiryBound) {
  RuleIndex index(TestSchema(), TestSignature());
  const Rule rule = MakeRule("ip == \"a\"", 100, 1000, 2000);
  ASSERT_TRUE(index.Add(rule).ok());
  EXPECT_EQ(MatchAll(&index, Batch({{"a", 1, "k", 99, 1500},
                                    {"a", 1, "k", 100, 1500},
                                    {"a", 1, "k", 101, 10},
                                    {"a", 1, "k", 101, 2000},
                                    {"a", 1, "k", 101, 2001}})),
            (std::vector<std::string>{"", "", RuleKey(rule), RuleKey(rule), ""}));
}

TEST(RuleIndex, TheOldestOfSeveralAnswers) {
  const Rule late = MakeRule("ip == \"a\"", 0, 500), early = MakeRule("kind == \"failed\"", 0, 400),
             exact = Exact("a", 0, 450);
  std::vector<Rule> rules = {late, early, exact};
  std::sort(rules.begin(), rules.end(), [](const Rule& x, const Rule& y) { return x.id < y.id; });
  do {
    RuleIndex index(TestSchema(), TestSignature());
    for (const Rule& rule : rules) ASSERT_TRUE(index.Add(rule).ok());
    EXPECT_EQ(MatchAll(&index, Batch({{"a"}, {"b"}, {"a", 1, "x"}})),
              (std::vector<std::string>{RuleKey(early), RuleKey(early), RuleKey(exact)}));
  } while (std::next_permutation(rules.begin(), rules.end(),
                                 [](const Rule& x, const Rule& y) { return x.id < y.id; }));
}

TEST(RuleIndex, RulesInTheShadowDoNotAnswer) {
  RuleIndex index(TestSchema(), TestSignature());
  Rule rule = MakeRule("ip == \"a\"");
  rule.stage = RuleStage::kShadow;
  ASSERT_TRUE(index.Add(rule).ok());
  EXPECT_EQ(MatchAll(&index, Batch({{"a"}})), std::vector<std::string>{""});
  EXPECT_TRUE(index.Remove(RuleKey(rule)));
}

TEST(RuleIndex, RefusesBeyondItsBounds) {
  RuleIndex index(TestSchema(), TestSignature());
  for (size_t i = 0; i < RuleIndex::kMaxUnindexed; ++i) {
    ASSERT_TRUE(index.Add(MakeRule(absl::StrCat("port > ", i))).ok());
  }
  EXPECT_EQ(ErrorNumber(index.Add(MakeRule("port > 999"))), 5004);
  for (size_t i = 0; i < RuleIndex::kMaxBucket; ++i) {
    ASSERT_TRUE(index.Add(MakeRule(absl::StrCat("ip == \"a\" && port > ", i))).ok());
  }
  EXPECT_EQ(ErrorNumber(index.Add(MakeRule("ip == \"a\""))), 5004);
  EXPECT_TRUE(index.Add(MakeRule("ip == \"b\"")).ok());
  EXPECT_EQ(ErrorNumber(index.Add(MakeRule("ip == \"b\""))), 5003);  // stands already
  EXPECT_EQ(ErrorNumber(index.Add(MakeRule("ip == 3"))), 5003);
  EXPECT_EQ(ErrorNumber(index.Add(MakeRule("nope == 3"))), 5003);
}

TEST(RuleIndex, ARuleWithAnErrorDoesNotMatch) {
  RuleIndex index(TestSchema(), TestSignature());
  ASSERT_TRUE(index.Add(MakeRule("ip == \"a\" && 100 / port > 1")).ok());
  EXPECT_EQ(MatchAll(&index, Batch({{"a", 0}, {"a", 5}}))[0], "");
  EXPECT_EQ(index.errors(), 1);
}

// Many rules, each for its own address: the work per row must not grow with them.
TEST(RuleIndex, HoldsManyRules) {
  RuleIndex index(TestSchema(), TestSignature());
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(index.Add(Exact(absl::StrCat("10.0.", i / 256, ".", i % 256))).ok());
  }
  std::vector<Event> events;
  for (int i = 0; i < 100; ++i) events.push_back({absl::StrCat("10.0.", i, ".7")});
  for (const std::string& id : MatchAll(&index, Batch(events))) {
    static int row = 0;
    EXPECT_EQ(id.empty(), row++ * 256 + 7 >= 20'000);
  }
}

std::string AnyPredicate() {
  const std::string ip = *rc::gen::element<std::string>("a", "b", "c");
  const int port = *rc::gen::inRange(0, 4);
  const std::string kind = *rc::gen::element<std::string>("x", "y");
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return absl::StrCat("ip == \"", ip, "\"");
    case 1:
      return absl::StrCat("ip == \"", ip, "\" && port == ", port);
    case 2:
      return absl::StrCat("port == ", port, " && kind != \"", kind, "\"");
    case 3:
      return absl::StrCat("kind == \"", kind, "\"");
    case 4:
      return absl::StrCat("port >= ", port);
    case 5:
      return absl::StrCat("ip in [\"", ip, "\", \"z\"] || port == ", port);
    default:
      return absl::StrCat("\"", ip, "\" == ip && 2 / port >= 1");
  }
}

// The index answers as a loop over all rules would.
RC_GTEST_PROP(RuleIndexProperty, AgreesWithALoopOverAllRules, ()) {
  RuleIndex index(TestSchema(), TestSignature());
  std::vector<Rule> rules;
  const int count = *rc::gen::inRange(0, 20);
  for (int i = 0; i < count; ++i) {
    const Rule rule = MakeRule(AnyPredicate(), *rc::gen::inRange(0, 6), *rc::gen::inRange(0, 6),
                               *rc::gen::inRange(0, 12), *rc::gen::inRange(1, 3));
    if (index.Add(rule).ok()) rules.push_back(rule);
  }
  if (!rules.empty() && *rc::gen::arbitrary<bool>()) {
    RC_ASSERT(index.Remove(RuleKey(rules.back())));
    rules.pop_back();
  }
  std::vector<Event> events;
  for (int i = 0; i < 12; ++i) {
    Event e{*rc::gen::element<std::string>("a", "b", "c"), *rc::gen::inRange(0, 4),
            *rc::gen::element<std::string>("x", "y"), *rc::gen::inRange(0, 8),
            *rc::gen::inRange(0, 14)};
    if (*rc::gen::inRange(0, 8) == 0) e.ip.reset();
    events.push_back(e);
  }
  const RecordBatch batch = Batch(events);
  const std::vector<std::string> got = MatchAll(&index, batch);
  for (size_t row = 0; row < batch.rows(); ++row) {
    const Rule* best = nullptr;
    for (const Rule& rule : rules) {
      if (!events[row].ip || !IsValidFor(rule, batch, row)) continue;
      auto program = CompileExpr(rule.predicate, *TestSchema(), RuleExprOptions()).value();
      std::vector<uint32_t> pass, failed;
      std::string error;
      program->Filter(batch, &pass, &failed, &error);
      if (std::find(pass.begin(), pass.end(), row) == pass.end()) continue;
      const auto order = [](const Rule& r) {
        return std::tie(r.origin.event_time_ms, r.id, r.version);
      };
      if (best == nullptr || order(rule) < order(*best)) best = &rule;
    }
    RC_ASSERT(got[row] == (best == nullptr ? "" : RuleKey(*best)));
  }
}

}  // namespace
}  // namespace weir
