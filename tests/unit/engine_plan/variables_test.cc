#include "engine/plan/variables.h"

#include <gtest/gtest.h>

#include "engine/yaml/diagnostics.h"
#include "test_registry.h"

namespace weir {
namespace {

const Variables kVariables = {
    {"A", "one"}, {"EMPTY", ""}, {"NASTY", "x: [y, ${A}]\n- z"}, {"N", "4"}};

// Resolves one scalar; on a problem, its message.
std::string Resolve(const std::string& text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  Diagnostics diagnostics("t", text);
  const auto lookup = [](const std::string& name) -> std::optional<std::string> {
    const auto it = kVariables.find(name);
    if (it == kVariables.end()) return std::nullopt;
    return it->second;
  };
  ResolveVariables(lookup, &diagnostics, &node);
  if (diagnostics.ok()) return node.text;
  EXPECT_TRUE(node.broken);
  return "error: " + diagnostics.Sorted()[0].message;
}

TEST(Variables, Forms) {
  EXPECT_EQ(Resolve("${A}"), "one");
  EXPECT_EQ(Resolve("a ${A} b ${A}c"), "a one b onec");
  EXPECT_EQ(Resolve("${EMPTY}"), "");
  EXPECT_EQ(Resolve("${EMPTY:-two}"), "two");
  EXPECT_EQ(Resolve("${UNSET:-two}"), "two");
  EXPECT_EQ(Resolve("${UNSET:-}"), "");
  EXPECT_EQ(Resolve("${A:-two}"), "one");
  EXPECT_EQ(Resolve("${A:?needed}"), "one");
  EXPECT_EQ(Resolve("${UNSET:-dir:${A}/log}"), "dir:one/log");
  EXPECT_EQ(Resolve("${UNSET:-${ALSO:-${A}}}"), "one");
}

TEST(Variables, WhatIsNoReferenceStays) {
  for (const char* text : {"$A", "$", "{A}", "a$b{c}", "100$", "}{"})
    EXPECT_EQ(Resolve(text), text);
}

TEST(Variables, Escapes) {
  EXPECT_EQ(Resolve("$${A}"), "${A}");
  EXPECT_EQ(Resolve("$${A} ${A}"), "${A} one");
  EXPECT_EQ(Resolve("${UNSET:-$${A}}"), "${A}");
  EXPECT_EQ(Resolve("$$${A}"), "$${A}");
}

TEST(Variables, ValuesAreNotReadAgain) { EXPECT_EQ(Resolve("${NASTY}"), "x: [y, ${A}]\n- z"); }

TEST(Variables, Problems) {
  EXPECT_EQ(Resolve("${UNSET}"), "error: the variable UNSET is not set");
  EXPECT_EQ(Resolve("${UNSET:?set it}"), "error: the variable UNSET is not set: set it");
  EXPECT_EQ(Resolve("${EMPTY:?set it}"), "error: the variable EMPTY is not set: set it");
  EXPECT_EQ(Resolve("${UNSET:?}"), "error: the variable UNSET is not set");
  EXPECT_EQ(Resolve("${A"), "error: a '}' is missing after '${A'");
  EXPECT_EQ(Resolve("${A:-x"), "error: a '}' is missing after '${A'");
  EXPECT_EQ(Resolve("${}"), "error: a variable's name is missing after '${'");
  EXPECT_EQ(Resolve("${1A}"), "error: a variable's name is missing after '${'");
  EXPECT_EQ(Resolve("${A-x}"), "error: expected '}', ':-' or ':?' after '${A'");
  EXPECT_EQ(Resolve("${A:x}"), "error: expected '}', ':-' or ':?' after '${A'");
}

TEST(Variables, NestingIsBounded) {
  std::string text = "x";
  for (int i = 0; i < 100; ++i) text = "${U:-" + text + "}";
  EXPECT_EQ(Resolve(text), "error: variables are nested too deeply");
}

TEST(Variables, NeverChangeTheStructure) {
  const auto result = LoadText(SmallTopology("sinks:\n  out: { input: in, topic: \"${NASTY}\" }\n"),
                               {}, kVariables);
  ASSERT_TRUE(result.loaded.ok()) << result.report;
  EXPECT_EQ(result.loaded->plan.logical.Find("out")->topic, kVariables.at("NASTY"));
}

TEST(Variables, WorkForEveryType) {
  const auto result =
      LoadText(SmallTopology("sinks:\n  out: { input: in, topic: t }\n",
                             "name: test, parallelism: \"${N}\", max_parallelism: \"1${N}\""),
               {}, kVariables);
  ASSERT_TRUE(result.loaded.ok()) << result.report;
  EXPECT_EQ(result.loaded->plan.logical.job.parallelism, 4);
  EXPECT_EQ(result.loaded->plan.logical.job.max_parallelism, 14);
}

}  // namespace
}  // namespace weir
