#include "engine/plan/overrides.h"

#include <gtest/gtest.h>

#include "test_registry.h"

namespace weir {
namespace {

std::string Sample() {
  return SmallTopology(
      "operators:\n"
      "  - { name: seen, type: count, input: in, key: ip }\n"
      "  - { name: guard, type: guard, input: seen, key: ip, agent: { capacity: 5 } }\n"
      "sinks:\n  out: { input: guard, topic: out }\n");
}

LoadedPlan LoadWith(const std::vector<std::string>& overrides, const Variables& variables = {}) {
  LoadResult result = LoadText(Sample(), overrides, variables);
  EXPECT_TRUE(result.loaded.ok()) << result.report;
  return result.loaded.ok() ? *std::move(result.loaded) : LoadedPlan{};
}

TEST(Overrides, EveryLevel) {
  const LoadedPlan loaded = LoadWith(
      {"job.parallelism=4", "log=dir:/elsewhere", "checkpoints.interval=50ms",
       "state.hot_bytes=2MiB", "sources.in.topic=other", "sources.in.event_time.emit=periodic",
       "operators.seen.window=5s", "operators.guard.agent.capacity=10", "sinks.out.topic=new"});
  const LogicalPlan& plan = loaded.plan.logical;
  EXPECT_EQ(plan.job.parallelism, 4);
  EXPECT_EQ(plan.job.log, "dir:/elsewhere");
  EXPECT_EQ(plan.job.checkpoints.interval_ms, 50);
  EXPECT_EQ(plan.job.state.hot_bytes, 2 << 20);
  EXPECT_EQ(plan.Find("in")->topic, "other");
  EXPECT_EQ(plan.Find("in")->options.Table("event_time").String("emit"), "periodic");
  EXPECT_EQ(plan.Find("seen")->options.Int("window"), 5000);
  EXPECT_EQ(plan.Find("guard")->options.Table("agent").Int("capacity"), 10);
  EXPECT_EQ(plan.Find("out")->topic, "new");
}

TEST(Overrides, ValuesAreYaml) {
  const LoadedPlan loaded =
      LoadWith({"operators.seen.key=[host, ip]", "operators.guard.mask={ip: keep, host: 'hmac: x'}",
                "operators.seen.where=line > 3 && host == \"a=b\"", "operators.seen.labels={}"});
  const LogicalNode* seen = loaded.plan.logical.Find("seen");
  EXPECT_EQ(seen->op.key, (std::vector<std::string>{"host", "ip"}));
  EXPECT_EQ(seen->options.String("where"), "line > 3 && host == \"a=b\"");
  EXPECT_EQ(loaded.plan.logical.Find("guard")->options.Get("mask").entries[1].second, "hmac: x");
}

TEST(Overrides, TheLaterOneWins) {
  EXPECT_EQ(LoadWith({"job.parallelism=4", "job.parallelism=2"}).plan.logical.job.parallelism, 2);
}

TEST(Overrides, AWholeTableCanBeGivenAndThenChanged) {
  const LoadedPlan loaded =
      LoadWith({"sinks.second={input: in, topic: copy}", "sinks.second.topic=changed"});
  EXPECT_EQ(loaded.plan.logical.Find("second")->topic, "changed");
}

TEST(Overrides, MayHoldVariables) {
  EXPECT_EQ(LoadWith({"sinks.out.topic=${T}"}, {{"T", "x"}}).plan.logical.Find("out")->topic, "x");
}

TEST(Overrides, WhatTheyReplaceNeedNotBeSet) {
  LoadResult result = LoadText(
      SmallTopology("log: ${UNSET}\nsinks:\n  out: { input: in, topic: t }\n"), {"log=dir:/x"});
  EXPECT_TRUE(result.loaded.ok()) << result.report;
}

TEST(Overrides, AnErrorNamesTheOptionThatCausedIt) {
  const LoadResult result = LoadText(Sample(), {"job.parallelism=2", "checkpoints.retain=none"});
  EXPECT_EQ(result.report,
            "--set checkpoints.retain=none: error[WEIR-1004]: expected an integer, found 'none'\n"
            "  hint: write a whole number from 1 to 1000\n1 error\n");
  EXPECT_EQ(FormatError(result.loaded.status()),
            "WEIR-1004: --set checkpoints.retain=none: expected an integer, found 'none' (hint: "
            "write a whole number from 1 to 1000)");
}

TEST(Overrides, FillAnEmptyFile) {
  const LoadResult result =
      LoadText("", {"weir=1", "job.name=x", "sources.s.topic=t", "sources.s.schema={a: int64}",
                    "sources.s.on_error=fail"});
  EXPECT_TRUE(result.loaded.ok()) << result.report;
}

}  // namespace
}  // namespace weir
