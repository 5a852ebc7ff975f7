#include "engine/base/log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

class LogTest : public testing::Test {
 protected:
  void TearDown() override {
    SetLogJson(false);
    SetLogJob("", 0);
    SetLogMetrics(nullptr);
    SetLogLevel(LogLevel::kInfo);
  }
};

TEST_F(LogTest, TextLine) {
  testing::internal::CaptureStderr();
  LogWarning("job/guard[1]", "slow");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(line.ends_with("Z warning job/guard[1]: slow\n")) << line;
  EXPECT_EQ(line[4], '-') << "starts with a date: " << line;
}

TEST_F(LogTest, JsonLine) {
  SetLogJson(true);
  testing::internal::CaptureStderr();
  LogError("w", "say \"hi\" {} %v\\");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(line.starts_with("{\"time\":\"")) << line;
  EXPECT_NE(line.find(R"("level":"error","where":"w","message":"say \"hi\" {} %v\\"})"),
            std::string::npos)
      << line;
}

TEST_F(LogTest, Fields) {
  SetLogJob("ssh-guard", 3);
  testing::internal::CaptureStderr();
  Log(LogLevel::kWarning, "guard", "slow", {"guard uid", 1, 5004});
  std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(
      line.ends_with(" warning guard: slow job=ssh-guard epoch=3 operator=\"guard uid\" "
                     "subtask=1 error=WEIR-5004\n"))
      << line;
  SetLogJson(true);
  testing::internal::CaptureStderr();
  Log(LogLevel::kWarning, "guard", "slow", {"g\"\n", 0, 0});
  line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find(R"("level":"warning","job":"ssh-guard","epoch":3,"operator":"g\"\n",)"
                      R"("subtask":0,"where":"guard","message":"slow"})"),
            std::string::npos)
      << line;
}

TEST_F(LogTest, ScopesNameTheSubtaskForLinesThatDoNot) {
  testing::internal::CaptureStderr();
  {
    const LogScope task("outer", 2);
    {
      const LogScope call("inner", 2);
      LogWarning("w", "a");
      Log(LogLevel::kWarning, "w", "b", {"said", 7});
    }
    LogWarning("w", "c");
  }
  LogWarning("w", "d");
  const std::string lines = testing::internal::GetCapturedStderr();
  for (const char* end : {"w: a operator=inner subtask=2\n", "w: b operator=said subtask=7\n",
                          "w: c operator=outer subtask=2\n", "w: d\n"}) {
    EXPECT_NE(lines.find(end), std::string::npos) << lines;
  }
}

TEST_F(LogTest, RepeatedLinesAreHeldBackAndCounted) {
  MetricRegistry metrics;
  SetLogMetrics(&metrics);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 100; ++i) LogRepeated(LogLevel::kWarning, "a", "repeat test", "again");
  LogRepeated(LogLevel::kWarning, "b", "repeat test", "elsewhere");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_EQ(metrics.Sum("weir_log_lines_total", {{"level", "warning"}}), 2);
  EXPECT_EQ(metrics.Sum("weir_log_suppressed_total", {{"level", "warning"}}), 99);
}

TEST_F(LogTest, LevelFilters) {
  testing::internal::CaptureStderr();
  LogDebug("w", "hidden");
  SetLogLevel(LogLevel::kError);
  LogWarning("w", "hidden");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(LogTest, HostileContentCannotForgeALine) {
  testing::internal::CaptureStderr();
  LogInfo("w", "x\n2026-01-01T00:00:00.000Z error w: forged\r\x1b[2J");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("x\\n2026"), std::string::npos) << text;
}

TEST_F(LogTest, Escapes) {
  EXPECT_EQ(EscapeForLog("plain, ünï 😀", false), "plain, ünï 😀");
  EXPECT_EQ(EscapeForLog(std::string_view("\0\x7f\t", 3), false), "\\x00\\x7f\\t");
  EXPECT_EQ(EscapeForLog(std::string_view("\0\x7f\t", 3), true), "\\u0000\\u007f\\t");
  EXPECT_EQ(EscapeForLog("\xc2\x9b", false), "\\u009b");  // CSI of 8-bit terminals
  EXPECT_EQ(EscapeForLog("a\xe2\x80\xae"
                         "b",
                         true),
            "a\\u202eb");  // right-to-left override
  EXPECT_EQ(EscapeForLog("\xff\xc3(", false), "\\xff\\xc3(");
  EXPECT_EQ(EscapeForLog("\xff\xc3(", true), "\\ufffd\\ufffd(");
  EXPECT_EQ(EscapeForLog("\xed\xa0\x80", true), "\\ufffd\\ufffd\\ufffd");  // a surrogate
  EXPECT_EQ(EscapeForLog("\xc0\xaf", true), "\\ufffd\\ufffd");             // overlong '/'
  EXPECT_EQ(EscapeForLog("\xe0\x80\xaf", true),
            "\\ufffd\\ufffd\\ufffd");  // the same in three bytes
  EXPECT_EQ(EscapeForLog("\"\\", true), "\\\"\\\\");
  EXPECT_EQ(EscapeForLog("cut \xf0\x9f\x98", true), "cut \\ufffd\\ufffd\\ufffd");
}

TEST_F(LogTest, LongMessagesAreCut) {
  testing::internal::CaptureStderr();
  LogInfo("w", std::string(100'000, 'a'));
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_LT(line.size(), 17'000u);
  EXPECT_NE(line.find("(83616 bytes more)"), std::string::npos);
}

}  // namespace
}  // namespace weir
