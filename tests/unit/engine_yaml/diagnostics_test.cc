#include "engine/yaml/diagnostics.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Diagnostics, PrintsAsCompilersDo) {
  Diagnostics d("job.yaml", "weir: 1\njob:\n  parallelism: four\n");
  d.Error({3, 16, 20}, ErrorCode::kConfigWrongType, "expected an integer, found 'four'",
          "write a whole number from 1 to 32768");
  EXPECT_EQ(d.Render(),
            "job.yaml:3:16: error[WEIR-1004]: expected an integer, found 'four'\n"
            "    3 |   parallelism: four\n"
            "      |                ^~~~\n"
            "  hint: write a whole number from 1 to 32768\n"
            "1 error\n");
  EXPECT_EQ(ErrorNumber(d.ToStatus()), 1004);
}

TEST(Diagnostics, SortsByPositionAndCounts) {
  Diagnostics d("f", "a\nb\nc\n");
  d.SetOverrides({"x=1"});
  d.Error({-1, 1, 2}, ErrorCode::kConfigBadValue, "from an override");
  d.Error({3, 1, 2}, ErrorCode::kConfigBadValue, "third");
  d.Warning({2, 1, 2}, ErrorCode::kConfigUnusedOutput, "second");
  d.Error({}, ErrorCode::kConfigBadValue, "whole file");
  EXPECT_EQ(d.RenderShort(),
            "f: error[WEIR-1012]: whole file\n"
            "f:2:1: warning[WEIR-1013]: second\n"
            "f:3:1: error[WEIR-1012]: third\n"
            "--set x=1: error[WEIR-1012]: from an override\n");
  EXPECT_NE(d.Render().find("3 errors, 1 warning\n"), std::string::npos);
  EXPECT_EQ(d.errors(), 3);
  EXPECT_EQ(d.warnings(), 1);
}

TEST(Diagnostics, NothingToSay) {
  const Diagnostics d("f", "a\n");
  EXPECT_EQ(d.Render(), "");
  EXPECT_TRUE(d.ToStatus().ok());
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Diagnostics d("f", "a\n");
  d.Warning({1, 1, 2}, ErrorCode::kConfigUnusedOutput, "w");
  EXPECT_TRUE(d.ok());
  EXPECT_TRUE(d.ToStatus().ok());
  EXPECT_NE(d.Render().find("\n1 warning\n"), std::string::npos);
}

TEST(Diagnostics, TheSameProblemIsShownOnce) {
  Diagnostics d("f", "a\n");
  for (int i = 0; i < 3; ++i) d.Error({1, 1, 2}, ErrorCode::kConfigBadValue, "again");
  EXPECT_EQ(d.errors(), 1);
}

TEST(Diagnostics, CaretsStandUnderCharactersNotBytes) {
  Diagnostics d("f", "\té: ü\n");
  d.Error({1, 5, 6}, ErrorCode::kConfigBadValue, "m");
  EXPECT_EQ(d.Render(), "f:1:5: error[WEIR-1012]: m\n    1 |  é: ü\n      |     ^\n1 error\n");
}

TEST(Diagnostics, PositionsOutsideOfTheFileAreHarmless) {
  Diagnostics d("f", "a\n");
  d.Error({99, 7, 9}, ErrorCode::kConfigBadValue, "far");
  d.Error({1, 50, 40}, ErrorCode::kConfigBadValue, "wide");
  d.Error({-7, 1, 1}, ErrorCode::kConfigBadValue, "no such override");
  EXPECT_NE(d.Render().find("f:99:7: error[WEIR-1012]: far\n"), std::string::npos);
}

TEST(Diagnostics, SecretsAreMasked) {
  struct {
    const char* line;
    SourceMark mark;
    const char* shown;
    const char* under;
  } cases[] = {
      {"  password: hunter2", {1, 13, 20}, "  password: ***", "            ^~~"},
      {"{ token: abc, next: 1 }", {1, 15, 19}, "{ token: ***, next: 1 }", "              ^~~~"},
      {"{ a: 1, 'db_secret': 'x y', b: 2 }", {1, 3, 4}, "{ a: 1, 'db_secret': ***, b: 2 }", "  ^"},
      {"id_key: \"quoted", {1, 9, 10}, "id_key: ***", "        ^~~"},
      {"{ token: a, secret: bb, z: q }",
       {1, 25, 26},
       "{ token: ***, secret: ***, z: q }",
       "                           ^"},
      {"key: visible", {1, 6, 13}, "key: visible", "     ^~~~~~~"},
  };
  for (const auto& c : cases) {
    Diagnostics d("f", c.line);
    d.Error(c.mark, ErrorCode::kConfigBadValue, "m");
    const std::string expected =
        std::string("\n    1 | ") + c.shown + "\n      | " + c.under + "\n";
    EXPECT_NE(d.Render().find(expected), std::string::npos) << d.Render();
  }
}

TEST(Diagnostics, OverridesOfSecretsAreMasked) {
  Diagnostics d("f", "");
  d.SetOverrides({"db.password=hunter2"});
  d.Error({-1, 1, 2}, ErrorCode::kConfigBadValue, "m");
  EXPECT_EQ(d.RenderShort(), "--set db.password=***: error[WEIR-1012]: m\n");
}

TEST(Diagnostics, NothingReachesTheTerminalRaw) {
  Diagnostics d("f", "a: \x1b[31mred\n");
  d.Error({1, 4, 5}, ErrorCode::kConfigBadValue, "found '\x1b[2J\nx'", "not \x07 this");
  EXPECT_EQ(d.Render().find('\x1b'), std::string::npos);
  EXPECT_EQ(d.Render().find('\x07'), std::string::npos);
  EXPECT_NE(d.Render().find("found '?[2J x'"), std::string::npos);
}

TEST(Diagnostics, ManyProblemsAreBounded) {
  Diagnostics d("f", "a\n");
  for (int i = 0; i < 5000; ++i) d.Error({1, i + 1, i + 2}, ErrorCode::kConfigBadValue, "m");
  EXPECT_EQ(d.errors(), 1000);
}

}  // namespace
}  // namespace weir
