#include "engine/core/registry.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Registry, FindsWhatWasAdded) {
  Registry registry;
  OperatorType filter;
  filter.name = "filter";
  ASSERT_TRUE(registry.AddOperator(filter).ok());
  OperatorType count;
  count.name = "count";
  ASSERT_TRUE(registry.AddOperator(count).ok());
  ASSERT_TRUE(registry.AddFormat({"json", "JSON", nullptr}).ok());
  ASSERT_TRUE(registry.AddLog({"dir", "Files", nullptr}).ok());
  ASSERT_TRUE(registry.AddStateBackend({"memory", nullptr}).ok());
  ASSERT_TRUE(registry.AddAgentChannel({"embedded", nullptr}).ok());

  EXPECT_EQ(registry.FindOperator("filter")->name, "filter");
  EXPECT_EQ(registry.FindFormat("json")->name, "json");
  EXPECT_EQ(registry.FindLog("dir")->scheme, "dir");
  EXPECT_EQ(registry.FindStateBackend("memory")->name, "memory");
  EXPECT_EQ(registry.FindAgentChannel("embedded")->scheme, "embedded");
  EXPECT_EQ(registry.FindOperator("filters"), nullptr);
  EXPECT_EQ(registry.FindLog("kafka"), nullptr);
  EXPECT_EQ(registry.OperatorNames(), (std::vector<std::string>{"count", "filter"}));
  EXPECT_EQ(registry.FormatNames(), std::vector<std::string>{"json"});
  EXPECT_EQ(registry.LogSchemes(), std::vector<std::string>{"dir"});
  EXPECT_EQ(registry.StateBackendNames(), std::vector<std::string>{"memory"});
}

TEST(Registry, RefusesANameGivenTwice) {
  Registry registry;
  ASSERT_TRUE(registry.AddFormat({"json", "first", nullptr}).ok());
  const Status again = registry.AddFormat({"json", "second", nullptr});
  EXPECT_EQ(ErrorNumber(again), 1006);
  EXPECT_EQ(ToStd(again.message()), "the format 'json' is registered twice");
  EXPECT_EQ(registry.FindFormat("json")->doc, "first");
}

TEST(Registry, RefusesAnEmptyName) {
  Registry registry;
  EXPECT_FALSE(registry.AddLog({"", "", nullptr}).ok());
}

}  // namespace
}  // namespace weir
