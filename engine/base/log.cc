#include "engine/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

namespace weir {
namespace {

constexpr size_t kMaxMessageBytes = 16'384;
constexpr uint32_t kInvalid = UINT32_MAX;

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};
std::atomic<bool> json_lines{false};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Never destroyed: a thread may still log while the process exits.
spdlog::logger* MakeLogger(const char* pattern) {
  auto* logger = new spdlog::logger("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  logger->set_level(spdlog::level::trace);  // filtered by minimum_level
  return logger;
}

// Two loggers and not one whose pattern changes: a line is never half of each.
spdlog::logger* TextLogger() {
  static spdlog::logger* const logger = MakeLogger("%Y-%m-%dT%H:%M:%S.%eZ %l %v");
  return logger;
}
spdlog::logger* JsonLogger() {
  static spdlog::logger* const logger =
      MakeLogger(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})");
  return logger;
}

struct Character {
  uint32_t code;  // kInvalid for a byte that does not belong to valid UTF-8
  size_t bytes;
};

Character DecodeUtf8(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {kInvalid, 1};
  uint32_t code = lead & (0x7fU >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {kInvalid, 1};
    code = (code << 6) | (next & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || surrogate) return {kInvalid, 1};
  return {code, size};
}

// What could end the line, drive a terminal, or show a line other than the one that is there.
bool IsUnsafe(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0xfeff ||
         code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

void AppendEscape(std::string* out, uint32_t code, bool json) {
  if (code == '\n') {
    *out += "\\n";
  } else if (code == '\r') {
    *out += "\\r";
  } else if (code == '\t') {
    *out += "\\t";
  } else {
    char buffer[16];
    const bool short_form = !json && code < 0x80;
    std::snprintf(buffer, sizeof(buffer), short_form ? "\\x%02x" : "\\u%04x", code);
    *out += buffer;
  }
}

void AppendInvalid(std::string* out, char byte, bool json) {
  if (json) {
    *out += "\\ufffd";
    return;
  }
  char buffer[8];
  std::snprintf(buffer, sizeof(buffer), "\\x%02x", static_cast<uint8_t>(byte));
  *out += buffer;
}

std::string EscapeMessage(std::string_view message, bool json) {
  if (message.size() <= kMaxMessageBytes) return EscapeForLog(message, json);
  return EscapeForLog(message.substr(0, kMaxMessageBytes), json) + "... (" +
         std::to_string(message.size() - kMaxMessageBytes) + " bytes more)";
}

}  // namespace

void SetLogLevel(LogLevel level) { minimum_level.store(level, std::memory_order_relaxed); }
void SetLogJson(bool json) { json_lines.store(json, std::memory_order_relaxed); }

std::string EscapeForLog(std::string_view text, bool json) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Character c = DecodeUtf8(text.substr(i));
    if (c.code == kInvalid) {
      AppendInvalid(&out, text[i], json);
    } else if (IsUnsafe(c.code)) {
      AppendEscape(&out, c.code, json);
    } else {
      if (json && (c.code == '"' || c.code == '\\')) out += '\\';
      out.append(text.substr(i, c.bytes));
    }
    i += c.bytes;
  }
  return out;
}

void Log(LogLevel level, std::string_view where, std::string_view message) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  const bool json = json_lines.load(std::memory_order_relaxed);
  std::string line;
  if (json) {
    line = "\"where\":\"" + EscapeForLog(where, true) + "\",\"message\":\"" +
           EscapeMessage(message, true) + '"';
  } else {
    line = EscapeForLog(where, false) + ": " + EscapeMessage(message, false);
  }
  spdlog::logger* logger = json ? JsonLogger() : TextLogger();
  logger->log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace weir
