#include "connectors/redis/redis_url.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace weir {

namespace {

constexpr char kPasswordVariable[] = "WEIR_MEMO_PASSWORD";

Status Bad(std::string_view what, std::string_view hint = {}) {
  return Err(ErrorCode::kConfigBadValue, absl::StrCat("the memo's URL: ", ToAbsl(what)), hint);
}

Status ReadHost(absl::string_view text, RedisEndpoint* out) {
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Bad("'[' without ']'");
    out->host = std::string(text.substr(0, end));
    text.remove_prefix(end + 1);
  } else {
    const size_t end = std::min(text.find(':'), text.size());
    out->host = std::string(text.substr(0, end));
    text.remove_prefix(end);
  }
  if (out->host.empty()) return Bad("it names no host", "write redis://host:6379/0");
  const bool no_port = text.empty();
  if (no_port) return absl::OkStatus();
  if (!absl::ConsumePrefix(&text, ":") || !absl::SimpleAtoi(text, &out->port) || out->port < 1 ||
      out->port > 65535) {
    return Bad("its port is no number from 1 to 65535");
  }
  return absl::OkStatus();
}

struct Secrets {
  std::string variable, file;
};

Status ReadQuery(absl::string_view query, RedisEndpoint* out, Secrets* secrets) {
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> entry =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    const std::string value(entry.second);
    if (entry.first == "password_env") {
      secrets->variable = value;
    } else if (entry.first == "password_file") {
      secrets->file = value;
    } else if (entry.first == "ca_file") {
      out->ca_file = value;
    } else {
      return Bad(absl::StrCat("unknown parameter '", entry.first, "'"),
                 "known: password_env, password_file, ca_file");
    }
  }
  return absl::OkStatus();
}

Status ReadPassword(const Env& env, const Secrets& secrets, RedisEndpoint* out) {
  if (!secrets.file.empty()) {
    const StatusOr<std::string> text = env.fs->ReadFile(secrets.file);
    if (!text.ok()) {
      return Err(ErrorCode::kConfigFile, absl::StrCat("the memo's password_file '", secrets.file,
                                                      "': ", text.status().message()));
    }
    out->password = std::string(absl::StripAsciiWhitespace(*text));
    return absl::OkStatus();
  }
  const bool named = !secrets.variable.empty();
  const auto value = env.variable(named ? secrets.variable : kPasswordVariable);
  if (value) {
    out->password = *value;
  } else if (named) {
    return Err(ErrorCode::kConfigVariable,
               absl::StrCat("the memo's password_env '", secrets.variable, "' is not set"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string RedisEndpoint::Shown() const {
  return absl::StrCat(tls ? "rediss://" : "redis://", host, ":", port, "/", db);
}

StatusOr<RedisEndpoint> ParseRedisUrl(const Env& env, std::string_view url) {
  RedisEndpoint out;
  absl::string_view rest = ToAbsl(url);
  out.tls = absl::ConsumePrefix(&rest, "rediss://");
  if (!out.tls && !absl::ConsumePrefix(&rest, "redis://")) {
    return Bad("it begins with neither redis:// nor rediss://");
  }
  absl::string_view query;
  if (const size_t mark = rest.find('?'); mark != absl::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (const size_t at = rest.rfind('@'); at != absl::string_view::npos) {
    out.user = std::string(rest.substr(0, at));
    rest.remove_prefix(at + 1);
    if (absl::StrContains(out.user, ":")) {
      return Bad("a password does not belong there",
                 "put it into the variable WEIR_MEMO_PASSWORD, or name a ?password_file=");
    }
  }
  if (const size_t slash = rest.find('/'); slash != absl::string_view::npos) {
    const absl::string_view db = rest.substr(slash + 1);
    if (!db.empty() && (!absl::SimpleAtoi(db, &out.db) || out.db < 0)) {
      return Bad("its database is no number");
    }
    rest = rest.substr(0, slash);
  }
  WEIR_RETURN_IF_ERROR(ReadHost(rest, &out));
  Secrets secrets;
  WEIR_RETURN_IF_ERROR(ReadQuery(query, &out, &secrets));
  WEIR_RETURN_IF_ERROR(ReadPassword(env, secrets, &out));
  return out;
}

}  // namespace weir
