// Structured log lines on stderr (spdlog behind it). The library's header stays in log.cc.
#pragma once

#include <string>
#include <string_view>

namespace weir {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

void SetLogLevel(LogLevel level);
void SetLogJson(bool json);  // one JSON object a line instead of text
// `where` names the job part: "ssh-guard/guard[1]" or "checkpoint".
// Both may hold hostile bytes: see EscapeForLog. A message beyond 16 KiB is cut.
void Log(LogLevel level, std::string_view where, std::string_view message);
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
