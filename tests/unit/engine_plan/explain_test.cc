#include "engine/plan/explain.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "test_registry.h"
#include "tests/support/source_dir.h"

namespace weir {
namespace {

PhysicalPlan Sample() {
  LoadResult result = LoadText(
      "weir: 1\n"
      "job: { name: sample, parallelism: 2, id_key: swordfish }\n"
      "log: \"kafka://user:hunter2@127.0.0.1:9092\"\n"
      "checkpoints: { interval: 50ms, every_records: 1000 }\n"
      "sources:\n"
      "  auth:\n"
      "    topic: auth.raw\n"
      "    schema: { line: int64, ts: timestamp_ms, ip: string? }\n"
      "    event_time: { field: ts }\n"
      "operators:\n"
      "  - { name: seen, type: count, input: auth, key: ip }\n"
      "  - { name: guard, type: guard, uid: gate, input: seen, key: ip, where: 'count > 4' }\n"
      "sinks:\n"
      "  decisions: { input: guard.decisions, topic: auth.decisions, log: \"dir:./out\" }\n"
      "  actions: { input: guard, outbox: { topic: auth.actions } }\n"
      "  dead: { input: auth.dead_letter, topic: auth.dead_letter }\n");
  EXPECT_TRUE(result.loaded.ok()) << result.report;
  return result.loaded.ok() ? std::move(result.loaded->plan) : PhysicalPlan{};
}

// The exact text is in tests/unit/engine_plan/golden; WEIR_UPDATE_EXPECTED=1 writes it anew.
void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = SourceDir() + "/tests/unit/engine_plan/golden/" + name;
  if (std::getenv("WEIR_UPDATE_EXPECTED") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream in(path, std::ios::binary);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(in), {})) << path;
}

TEST(Explain, Golden) { ExpectGolden("explain.txt", ExplainPlan(Sample())); }

TEST(Explain, AJobWithoutAgentsCostsNothing) {
  LoadResult result = LoadText(SmallTopology("sinks:\n  out: { input: in, topic: t }\n"));
  ASSERT_TRUE(result.loaded.ok()) << result.report;
  EXPECT_NE(ExplainPlan(result.loaded->plan).find("this job cannot cost money"), std::string::npos);
}

TEST(Graph, Dot) { ExpectGolden("graph.dot", GraphDot(Sample())); }

TEST(Graph, Mermaid) { ExpectGolden("graph.mmd", GraphMermaid(Sample())); }

TEST(Graph, Json) {
  const std::string json = GraphJson(Sample());
  EXPECT_EQ(json.find("{\"job\":\"sample\",\"parallelism\":2,\"max_parallelism\":128,\"tasks\":["),
            0u);
  EXPECT_NE(json.find("{\"from_task\":3,\"from_member\":0,\"port\":0,\"to_task\":2,\"input\":1,"
                      "\"partitioning\":\"broadcast\",\"key\":[],\"control\":true}"),
            std::string::npos)
      << json;
}

TEST(Graph, NoSecretIsEverShown) {
  const PhysicalPlan plan = Sample();
  for (const std::string& text :
       {ExplainPlan(plan), GraphDot(plan), GraphMermaid(plan), GraphJson(plan)}) {
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
    EXPECT_EQ(text.find("swordfish"), std::string::npos);
  }
}

TEST(ShowUrl, HidesWhoLogsIn) {
  EXPECT_EQ(ShowUrl("kafka://user:pw@host:1/x@y"), "kafka://***@host:1/x@y");
  EXPECT_EQ(ShowUrl("kafka://u:p@ss@host"), "kafka://***@host");
  EXPECT_EQ(ShowUrl("kafka://host/a@b"), "kafka://host/a@b");
  EXPECT_EQ(ShowUrl("dir:./data/log"), "dir:./data/log");
  EXPECT_EQ(ShowUrl("embedded"), "embedded");
}

}  // namespace
}  // namespace weir
