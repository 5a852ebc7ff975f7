#include "engine/plan/load.h"

#include <gtest/gtest.h>

#include "engine/base/testing_env.h"
#include "test_registry.h"

namespace weir {
namespace {

// An operator that reads the file named by its option.
Registry ReadingRegistry(std::string* seen) {
  Registry registry;
  OperatorType type;
  type.name = "reader";
  OptionDef file;
  file.name = "file";
  type.options = {file};
  type.plan = [seen](const OperatorPlanContext& context) -> std::optional<OperatorPlan> {
    const auto text = context.read_file(context.options->String("file"));
    if (!text.ok()) {
      context.errors->Add("file", text.status());
      return std::nullopt;
    }
    *seen = *text;
    OperatorPlan plan;
    plan.outputs = {{"", context.inputs[0].schema, -1}};
    return plan;
  };
  WEIR_CHECK(registry.AddOperator(std::move(type)).ok());
  WEIR_CHECK(registry.AddFormat({"json", "", nullptr}).ok());
  WEIR_CHECK(registry.AddLog({"dir", "", nullptr}).ok());
  WEIR_CHECK(registry.AddStateBackend({"memory", nullptr}).ok());
  return registry;
}

class LoadFile : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const size_t slash = path.rfind('/');
    ASSERT_TRUE(env_.fs.CreateDirs(path.substr(0, slash)).ok());
    ASSERT_TRUE(env_.fs.WriteFileAtomic(path, text).ok());
  }
  StatusOr<LoadedPlan> Load(const std::string& path,
                            const std::vector<std::string>& overrides = {}) {
    return LoadPlanFile(env_.env(), path, overrides, registry_, &diagnostics_);
  }

  TestEnv env_;
  std::string seen_;
  Registry registry_ = ReadingRegistry(&seen_);
  Diagnostics diagnostics_;
};

TEST_F(LoadFile, ReadsVariablesAndFilesBesideIt) {
  env_.variables["TOPIC"] = "from-env";
  Write("/jobs/a/job.yaml",
        SmallTopology("operators:\n  - { name: r, type: reader, input: in, file: failsafe.yaml }\n"
                      "sinks:\n  out: { input: r, topic: \"${TOPIC}\" }\n"));
  Write("/jobs/a/failsafe.yaml", "content");
  const auto loaded = Load("/jobs/a/job.yaml", {"job.parallelism=3"});
  ASSERT_TRUE(loaded.ok()) << diagnostics_.Render();
  EXPECT_EQ(seen_, "content");
  EXPECT_EQ(loaded->plan.logical.Find("out")->topic, "from-env");
  EXPECT_EQ(loaded->plan.logical.job.parallelism, 3);
}

TEST_F(LoadFile, AMissingFileOfAnOptionIsShownAtTheOption) {
  Write("/a/job.yaml",
        SmallTopology("operators:\n  - { name: r, type: reader, input: in, file: gone.yaml }\n"));
  EXPECT_EQ(ErrorNumber(Load("/a/job.yaml").status()), 1014);
  EXPECT_NE(
      diagnostics_.Render().find("/a/job.yaml:10:47: error[WEIR-1014]: cannot read 'gone.yaml'"),
      std::string::npos)
      << diagnostics_.Render();
}

TEST_F(LoadFile, AMissingTopology) {
  EXPECT_EQ(ErrorNumber(Load("/nowhere.yaml").status()), 1014);
  EXPECT_EQ(diagnostics_.RenderShort().find("/nowhere.yaml: error[WEIR-1014]: "), 0u);
}

}  // namespace
}  // namespace weir
