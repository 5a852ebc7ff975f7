// Structured log lines on stderr (spdlog behind it). The library's header stays in log.cc.
//
//   2026-11-23T08:00:00.123Z warning guard: rule log offset 7: ... job=ssh-guard epoch=3
//   {"time":"2026-11-23T08:00:00.123Z","level":"warning","job":"ssh-guard","epoch":3,
//    "where":"guard","message":"rule log offset 7: ..."}     (on one line)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/metrics.h"

namespace weir {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

void SetLogLevel(LogLevel level);
void SetLogJson(bool json);  // one JSON object a line instead of text
bool LogIsJson();
// `where` names the job part: "ssh-guard/guard[1]" or "checkpoint".
// Both may hold hostile bytes: see EscapeForLog. A message beyond 16 KiB is cut.
void Log(LogLevel level, std::string_view where, std::string_view message);
// What a line is about beyond its text, where that is known; what is not said here is taken from
// the innermost LogScope of the thread.
struct LogFields {
  std::string_view operator_uid = {};
  int subtask = -1;
  int error = 0;  // ErrorNumber
};
void Log(LogLevel level, std::string_view where, std::string_view message, const LogFields& fields);
// While it lives, lines of this thread are about this subtask: the runtime sets it around what it
// calls, so that an operator's own lines name it. Costs two words; `operator_uid` must outlive it.
class LogScope {
 public:
  LogScope(std::string_view operator_uid, int subtask);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  const std::string_view outer_uid_;
  const int outer_subtask_;
};
// For what may come again and again: of the lines with one `where` and `kind` (a short constant of
// the caller) one in 10 s is written, and tells how many were not.
void LogRepeated(LogLevel level, std::string_view where, std::string_view kind,
                 std::string_view message, const LogFields& fields = {});
// Every line of the process carries these from now on. epoch 0 = not known yet.
void SetLogJob(std::string_view job, int64_t epoch);
// Counts lines in this registry, until the next call; null = nowhere.
void SetLogMetrics(MetricRegistry* metrics);

// One line whatever `text` holds: control characters, broken UTF-8 and characters that reorder a
// terminal's line become visible escapes. With `json` it fits between the quotes of a JSON string.
std::string EscapeForLog(std::string_view text, bool json);

inline void LogInfo(std::string_view where, std::string_view m) { Log(LogLevel::kInfo, where, m); }
inline void LogWarning(std::string_view where, std::string_view m) {
  Log(LogLevel::kWarning, where, m);
}
inline void LogError(std::string_view where, std::string_view m) {
  Log(LogLevel::kError, where, m);
}
inline void LogDebug(std::string_view where, std::string_view m) {
  Log(LogLevel::kDebug, where, m);
}

}  // namespace weir
