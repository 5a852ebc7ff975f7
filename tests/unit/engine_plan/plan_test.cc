#include "engine/plan/plan.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "test_registry.h"

namespace weir {
namespace {

PhysicalPlan PlanOf(const std::string& rest,
                    const std::string& job = "name: test, parallelism: 2") {
  LoadResult result = LoadText(SmallTopology(rest, job));
  EXPECT_TRUE(result.loaded.ok()) << result.report;
  return result.loaded.ok() ? std::move(result.loaded->plan) : PhysicalPlan{};
}

// One line per task ("a -> b x2") and one per edge ("0.a -> 1.b keyed by ip").
std::string Shape(const PhysicalPlan& plan) {
  std::string out;
  for (const PhysicalTask& task : plan.tasks) {
    absl::StrAppend(&out, task.name, " x", task.parallelism, "\n");
  }
  for (const PhysicalEdge& edge : plan.edges) {
    const auto& from_chain = plan.tasks[static_cast<size_t>(edge.from_task)].chain;
    const LogicalNode& from = plan.node(from_chain[static_cast<size_t>(edge.from_member)]);
    const LogicalNode& to = plan.node(plan.tasks[static_cast<size_t>(edge.to_task)].chain[0]);
    const std::string& port = from.outputs[static_cast<size_t>(edge.port)].name;
    absl::StrAppend(&out, from.name, port.empty() ? "" : ".", port, " => ", to.name, "[",
                    edge.input, "] ", edge.control ? "control " : "",
                    PartitioningName(edge.partitioning), edge.key.empty() ? "" : " by ",
                    absl::StrJoin(edge.key, ","), "\n");
  }
  return out;
}

TEST(Chaining, StatelessOperatorsAndSinksJoinTheirProducer) {
  EXPECT_EQ(Shape(PlanOf("operators:\n"
                         "  - { name: a, type: filter, input: in, where: 'line > 1' }\n"
                         "  - { name: b, type: filter, input: a, where: 'line > 2' }\n"
                         "sinks:\n  out: { input: b, topic: out }\n")),
            "in -> a -> b -> out x2\n");
}

TEST(Chaining, SeveralConsumersMakeATree) {
  EXPECT_EQ(Shape(PlanOf("operators:\n"
                         "  - { name: a, type: filter, input: in, where: 'line > 1' }\n"
                         "sinks:\n  out: { input: a, topic: out }\n"
                         "  bad: { input: a.errors, topic: bad }\n"
                         "  dead: { input: in.dead_letter, topic: dead }\n")),
            "in -> (a -> (out, bad), dead) x2\n");
}

TEST(Chaining, AKeyMakesAnExchangeOnce) {
  EXPECT_EQ(Shape(PlanOf("operators:\n"
                         "  - { name: a, type: count, input: in, key: ip, as: n }\n"
                         "  - { name: b, type: count, input: a, key: [ip], as: m }\n"
                         "  - { name: c, type: filter, input: b, where: 'm > 1' }\n"
                         "  - { name: d, type: count, input: c, key: ip, as: k }\n"
                         "sinks:\n  out: { input: d, topic: out }\n")),
            "in x2\na -> b -> c -> d -> out x2\nin => a[0] keyed by ip\n");
}

TEST(Chaining, AnotherKeyOrAnotherOrderMakesAnother) {
  EXPECT_EQ(Shape(PlanOf("operators:\n"
                         "  - { name: a, type: count, input: in, key: [ip, host], as: n }\n"
                         "  - { name: b, type: count, input: a, key: [host, ip], as: m }\n"
                         "  - { name: c, type: count, input: b, key: host, as: k }\n")),
            "in x2\na x2\nb x2\nc x2\nin => a[0] keyed by ip,host\na => b[0] keyed by host,ip\n"
            "b => c[0] keyed by host\n");
}

TEST(Chaining, AProjectionMayHaveChangedTheKey) {
  EXPECT_EQ(Shape(PlanOf("operators:\n"
                         "  - { name: a, type: count, input: in, key: ip, as: n }\n"
                         "  - { name: b, type: rename, input: a, fields: { ip: host } }\n"
                         "  - { name: c, type: count, input: b, key: ip, as: k }\n")),
            "in x2\na -> b x2\nc x2\nin => a[0] keyed by ip\nb => c[0] keyed by ip\n");
}

TEST(Chaining, OtherParallelismRebalancesOrKeysAgain) {
  EXPECT_EQ(
      Shape(PlanOf("operators:\n"
                   "  - { name: a, type: filter, input: in, where: 'line > 1', parallelism: 3 }\n"
                   "  - { name: b, type: count, input: a, key: ip, parallelism: 3 }\n"
                   "  - { name: c, type: count, input: b, key: ip, as: d, parallelism: 1 }\n"
                   "sinks:\n  out: { input: c, topic: out }\n")),
      "in x2\na x3\nb x3\nc -> out x1\nin => a[0] rebalance\na => b[0] keyed by ip\n"
      "b => c[0] keyed by ip\n");
}

TEST(Chaining, SeveralInputsBeginATask) {
  const PhysicalPlan plan = PlanOf(
      "operators:\n"
      "  - { name: a, type: filter, input: in, where: 'line > 1' }\n"
      "  - { name: b, type: filter, input: [a, a.errors, in], where: 'line > 2' }\n"
      "  - { name: c, type: join, input: [b, in], key: ip }\n"
      "sinks:\n  out: { input: [b, c], topic: out }\n");
  EXPECT_EQ(Shape(plan),
            "in -> a x2\nb x2\nc x2\nout x2\nin => b[2] forward\nin => c[1] keyed by ip\n"
            "a => b[0] forward\na.errors => b[1] forward\nb => c[0] keyed by ip\n"
            "b => out[0] forward\nc => out[1] forward\n");
}

TEST(Chaining, AControlTopicIsReadOnceAndBroadcast) {
  const PhysicalPlan plan = PlanOf(
      "operators:\n"
      "  - { name: a, type: count, input: in, key: ip }\n"
      "  - { name: g, type: guard, input: a, key: ip, uid: gate }\n"
      "sinks:\n  out: { input: g.decisions, topic: out }\n");
  EXPECT_EQ(Shape(plan),
            "in x2\na x2\ng -> out x2\ng#_rules.gate x1\nin => a[0] keyed by ip\n"
            "a => g[0] forward\ng#_rules.gate => g[1] control broadcast\n");
  const LogicalNode* control = plan.logical.Find("g#_rules.gate");
  EXPECT_EQ(control->kind, NodeKind::kControl);
  EXPECT_EQ(control->uid, "gate#_rules.gate");
  EXPECT_EQ(control->topic, "_rules.gate");
  EXPECT_EQ(plan.logical.Find("g")->controls, std::vector<int>{control->number});
}

TEST(Chaining, MembersNameTheirParentAndPort) {
  const PhysicalPlan plan = PlanOf(
      "operators:\n  - { name: a, type: filter, input: in, where: 'line > 1' }\n"
      "sinks:\n  good: { input: a, topic: g }\n  bad: { input: a.errors, topic: b }\n");
  ASSERT_EQ(plan.tasks.size(), 1u);
  const auto& chain = plan.tasks[0].chain;
  ASSERT_EQ(chain.size(), 4u);
  EXPECT_EQ(chain[0].parent, -1);
  EXPECT_EQ(chain[1].parent, 0);
  EXPECT_EQ(chain[3].parent, 1);
  EXPECT_EQ(chain[3].port, 1);
  EXPECT_EQ(plan.node(chain[3]).name, "bad");
  EXPECT_EQ(plan.subtasks(), 2);
}

TEST(Logical, NodesStandInTheOrderOfTheStream) {
  const PhysicalPlan plan = PlanOf(
      "operators:\n"
      "  - { name: last, type: filter, input: middle, where: 'line > 1' }\n"
      "  - { name: middle, type: filter, input: first, where: 'line > 1' }\n"
      "  - { name: first, type: filter, input: [in], where: 'line > 1' }\n"
      "sinks:\n  out: { input: last, topic: out }\n");
  std::vector<std::string> names;
  for (const LogicalNode& node : plan.logical.nodes) {
    EXPECT_EQ(node.number, static_cast<int>(names.size()));
    names.push_back(node.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"in", "first", "middle", "last", "out"}));
}

TEST(Logical, SourcesAreNumberedInFileOrder) {
  LoadResult result = LoadText(
      "weir: 1\njob: { name: t }\nsources:\n"
      "  zeta: { topic: z, schema: { a: int64 }, on_error: fail }\n"
      "  alpha: { topic: a, schema: { a: int64 }, on_error: fail, log: \"kafka://h\" }\n");
  ASSERT_TRUE(result.loaded.ok()) << result.report;
  const auto& nodes = result.loaded->plan.logical.nodes;
  EXPECT_EQ(nodes[0].name, "zeta");
  EXPECT_EQ(nodes[1].name, "alpha");
  EXPECT_EQ(nodes[0].log, "dir:./data/log");
  EXPECT_EQ(nodes[1].log, "kafka://h");
}

TEST(Logical, SourcesHaveRowsAndDeadLetters) {
  const PhysicalPlan plan = PlanOf("sinks:\n  out: { input: in, topic: out }\n");
  const LogicalNode* in = plan.logical.Find("in");
  ASSERT_EQ(in->outputs.size(), 2u);
  EXPECT_EQ(in->outputs[0].schema->ToString(),
            "{host: string, line: int64, ts: timestamp_ms, ip: string?}");
  EXPECT_EQ(in->outputs[0].event_time_field, 2);
  EXPECT_EQ(in->outputs[1].name, "dead_letter");
  EXPECT_GE(in->outputs[1].schema->Find("offset"), 0);
}

TEST(Logical, OutboxesAreSinks) {
  const PhysicalPlan plan = PlanOf(
      "sinks:\n  act: { input: in, outbox: { topic: actions } }\n  x: { input: in, topic: y }\n");
  EXPECT_TRUE(plan.logical.Find("act")->is_outbox);
  EXPECT_EQ(plan.logical.Find("act")->topic, "actions");
  EXPECT_FALSE(plan.logical.Find("x")->is_outbox);
}

TEST(Logical, SettingsAndTheirDefaults) {
  LoadResult result = LoadText(SmallTopology("", "name: my-job"));
  ASSERT_TRUE(result.loaded.ok()) << result.report;
  const JobSettings& job = result.loaded->plan.logical.job;
  EXPECT_EQ(job.name, "my-job");
  EXPECT_EQ(job.parallelism, 1);
  EXPECT_EQ(job.max_parallelism, 128);
  EXPECT_EQ(job.id_key, "weir-job:my-job");
  EXPECT_EQ(job.log, "dir:./data/log");
  EXPECT_EQ(job.state.backend, "memory");
  EXPECT_EQ(job.state.hot_bytes, 256 << 20);
  EXPECT_EQ(job.checkpoints.interval_ms, 10'000);
  EXPECT_EQ(job.checkpoints.directory(), "./data/checkpoints");
  EXPECT_EQ(job.checkpoints.retain, 3);
  EXPECT_EQ(job.checkpoints.timeout_ms, 600'000);
  EXPECT_EQ(job.checkpoints.every_records, 0);
  EXPECT_EQ(result.loaded->topology.tests, nullptr);
}

TEST(Logical, TestsAreKeptAsTheyStand) {
  LoadResult result = LoadText(SmallTopology("tests:\n  - { name: one, anything: [goes] }\n"));
  ASSERT_TRUE(result.loaded.ok()) << result.report;
  const LoadedPlan moved = *std::move(result.loaded);
  EXPECT_EQ(moved.topology.tests->children[0].Find("name")->text, "one");
}

// Plans that are built in code (engine/api) are checked as well.
LogicalPlan Handmade(int parallelism) {
  LogicalPlan plan;
  plan.job.max_parallelism = 16;
  LogicalNode source;
  source.kind = NodeKind::kSource;
  source.name = "s";
  source.parallelism = parallelism;
  plan.nodes.push_back(source);
  return plan;
}

TEST(MakePhysical, ChecksParallelism) {
  EXPECT_TRUE(MakePhysical(Handmade(16)).ok());
  EXPECT_EQ(ErrorNumber(MakePhysical(Handmade(17)).status()), 1022);
  EXPECT_EQ(ErrorNumber(MakePhysical(Handmade(0)).status()), 1022);
}

TEST(MakePhysical, BoundsNodes) {
  LogicalPlan plan = Handmade(1);
  for (int i = 1; i <= kMaxPlanNodes; ++i) {
    plan.nodes.push_back(plan.nodes[0]);
    plan.nodes.back().number = i;
  }
  EXPECT_EQ(ErrorNumber(MakePhysical(std::move(plan)).status()), 1022);
}

}  // namespace
}  // namespace weir
