// Every tests/errors/NN-name.yaml gives exactly tests/errors/NN-name.expected. Lines that begin
// with
// "# --set " and "# env NAME=value" at the top of a file are its overrides and variables.
// WEIR_UPDATE_EXPECTED=1 writes the expectations anew; read the difference before you keep it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "test_registry.h"
#include "tests/support/source_dir.h"

namespace weir {
namespace {

constexpr size_t kFewestCases = 50;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> Paths() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(SourceDir() + "/tests/errors")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

LoadResult LoadCase(const std::filesystem::path& path) {
  const std::string text = ReadAll(path);
  std::vector<std::string> overrides;
  Variables variables;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
    if (line.starts_with("# --set ")) overrides.push_back(line.substr(8));
    const size_t equals = line.find('=');
    if (line.starts_with("# env ") && equals != std::string::npos) {
      variables[line.substr(6, equals - 6)] = line.substr(equals + 1);
    }
  }
  return LoadText(text, overrides, variables, path.filename().string());
}

struct Case {
  std::filesystem::path path;
  LoadResult result;
};

// Loaded once for all tests.
const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> all;
    for (const auto& path : Paths()) all.push_back({path, LoadCase(path)});
    return all;
  }();
  return cases;
}

TEST(ErrorTable, EveryFileGivesItsExactMessages) {
  EXPECT_GE(Cases().size(), kFewestCases);
  for (const auto& [path, result] : Cases()) {
    auto expected_path = path;
    expected_path.replace_extension(".expected");
    if (std::getenv("WEIR_UPDATE_EXPECTED") != nullptr) {
      std::ofstream(expected_path, std::ios::binary) << result.report;
    }
    EXPECT_FALSE(result.loaded.ok()) << path;
    EXPECT_NE(ErrorNumber(result.loaded.status()), 0) << path;
    EXPECT_EQ(result.report, ReadAll(expected_path)) << path;
  }
}

TEST(ErrorTable, EveryMessageHasItsPlace) {
  for (const auto& [path, result] : Cases()) {
    for (const Diagnostic& entry : result.diagnostics.Sorted()) {
      EXPECT_NE(entry.mark.line, 0) << path << ": " << entry.message;
      EXPECT_FALSE(entry.message.empty()) << path;
    }
  }
}

TEST(ErrorTable, EveryConfigurationErrorHasACase) {
  std::string all;
  for (const Case& one : Cases()) all += one.result.report;
  size_t count = 0;
  const ErrorInfo* errors = AllErrors(&count);
  for (size_t i = 0; i < count && errors[i].number < 2000; ++i) {
    // A file cannot be unreadable here: load_test.cc has that one.
    if (errors[i].number == static_cast<int>(ErrorCode::kConfigFile)) continue;
    const std::string tag = "[WEIR-" + std::to_string(errors[i].number) + "]";
    EXPECT_NE(all.find(tag), std::string::npos) << tag << " " << errors[i].name;
  }
}

TEST(ErrorTable, NoSecretIsEverShown) {
  for (const auto& [path, result] : Cases()) {
    const std::string all =
        result.report + result.diagnostics.RenderShort() + FormatError(result.loaded.status());
    for (const char* secret : {"hunter2", "swordfish", "tk-12345"}) {
      EXPECT_EQ(all.find(secret), std::string::npos) << path << " shows " << secret;
    }
  }
}

}  // namespace
}  // namespace weir
