#include "engine/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/guarded.h"

namespace weir {
namespace {

constexpr size_t kMaxMessageBytes = 16'384;
constexpr uint32_t kInvalid = UINT32_MAX;
constexpr int64_t kRepeatNs = 10'000'000'000;
constexpr size_t kMaxKinds = 256;  // beyond them all share one

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};
std::atomic<bool> json_lines{false};
thread_local LogFields scope;

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

// What all lines share. Lines are rare: a lock is cheap enough.
struct Shared {
  std::string job;
  int64_t epoch = 0;
  MetricRegistry* metrics = nullptr;
  struct Kind {
    int64_t written_ns = 0;
    int64_t held_back = 0;
  };
  std::map<std::string, Kind, std::less<>> kinds;

  void Count(const char* name, const char* level) {
    if (metrics != nullptr) metrics->GetCounter(name, {{"level", level}})->Add();
  }
};

// Never destroyed, as the loggers.
Guarded<Shared>* SharedState() {
  static auto* const shared = new Guarded<Shared>;
  return shared;
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// Appends the fields that are known, as JSON members or as key=value.
class FieldWriter {
 public:
  FieldWriter(bool json, std::string* out) : json_(json), out_(out) {}
  void Text(const char* name, std::string_view value) {
    if (value.empty()) return;
    const std::string safe = EscapeForLog(value, json_);
    const bool quote = json_ || safe.find_first_of(" =\"") != std::string::npos;
    Raw(name, quote ? '"' + safe + '"' : safe);
  }
  void Number(const char* name, int64_t value) { Raw(name, std::to_string(value)); }

 private:
  void Raw(const char* name, const std::string& value) {
    *out_ += json_ ? std::string("\"") + name + "\":" + value + ','
                   : std::string(" ") + name + '=' + value;
  }
  const bool json_;
  std::string* out_;
};

std::string FieldText(const LogFields& fields, bool json, const std::string& job, int64_t epoch) {
  std::string out;
  FieldWriter writer(json, &out);
  writer.Text("job", job);
  if (epoch > 0) writer.Number("epoch", epoch);
  writer.Text("operator", fields.operator_uid);
  if (fields.subtask >= 0) writer.Number("subtask", fields.subtask);
  if (fields.error > 0) {
    char number[16];
    std::snprintf(number, sizeof(number), "WEIR-%04d", fields.error);
    writer.Text("error", number);
  }
  return out;
}

std::string EscapeMessage(std::string_view message, bool json) {
  if (message.size() <= kMaxMessageBytes) return EscapeForLog(message, json);
  return EscapeForLog(message.substr(0, kMaxMessageBytes), json) + "... (" +
         std::to_string(message.size() - kMaxMessageBytes) + " bytes more)";
}

}  // namespace

void SetLogLevel(LogLevel level) { minimum_level.store(level, std::memory_order_relaxed); }
void SetLogJson(bool json) { json_lines.store(json, std::memory_order_relaxed); }
bool LogIsJson() { return json_lines.load(); }

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

void SetLogJob(std::string_view job, int64_t epoch) {
  SharedState()->With([&](Shared* shared) {
    shared->job = job;
    shared->epoch = epoch;
  });
}

LogScope::LogScope(std::string_view operator_uid, int subtask)
    : outer_uid_(scope.operator_uid), outer_subtask_(scope.subtask) {
  scope.operator_uid = operator_uid;
  scope.subtask = subtask;
}

LogScope::~LogScope() {
  scope.operator_uid = outer_uid_;
  scope.subtask = outer_subtask_;
}

void SetLogMetrics(MetricRegistry* metrics) {
  SharedState()->With([&](Shared* shared) { shared->metrics = metrics; });
}

void LogRepeated(LogLevel level, std::string_view where, std::string_view kind,
                 std::string_view message, const LogFields& fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  const int64_t now = SystemClock().MonoNs();
  const int64_t held_back = SharedState()->With([&](Shared* shared) -> int64_t {
    std::string key = std::string(where) + '\0' + std::string(kind);
    if (shared->kinds.size() >= kMaxKinds && shared->kinds.count(key) == 0) key.clear();
    Shared::Kind& state = shared->kinds[key];
    if (state.written_ns != 0 && now - state.written_ns < kRepeatNs) {
      ++state.held_back;
      shared->Count("weir_log_suppressed_total", LevelName(level));
      return -1;
    }
    state.written_ns = now;
    return std::exchange(state.held_back, 0);
  });
  if (held_back < 0) return;
  if (held_back == 0) return Log(level, where, message, fields);
  Log(level, where,
      std::string(message) + " (and " + std::to_string(held_back) + " more like it before)",
      fields);
}

void Log(LogLevel level, std::string_view where, std::string_view message) {
  Log(level, where, message, LogFields());
}

void Log(LogLevel level, std::string_view where, std::string_view message,
         const LogFields& fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  const bool json = json_lines.load(std::memory_order_relaxed);
  LogFields all = fields;
  if (all.subtask < 0) all.subtask = scope.subtask;
  if (all.operator_uid.empty()) all.operator_uid = scope.operator_uid;
  const std::string known = SharedState()->With([&](Shared* shared) {
    shared->Count("weir_log_lines_total", LevelName(level));
    return FieldText(all, json, shared->job, shared->epoch);
  });
  std::string line;
  if (json) {
    line = known + "\"where\":\"" + EscapeForLog(where, true) + "\",\"message\":\"" +
           EscapeMessage(message, true) + '"';
  } else {
    line = EscapeForLog(where, false) + ": " + EscapeMessage(message, false) + known;
  }
  spdlog::logger* logger = json ? JsonLogger() : TextLogger();
  logger->log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace weir
