// Where a RESP server is, from one URL:
//   redis://[user@]host[:port][/db][?password_env=NAME&password_file=PATH&ca_file=PATH]
//   rediss://...   the same over TLS
#pragma once

#include <string>
#include <string_view>

#include "engine/base/env.h"
#include "engine/base/status.h"

namespace weir {

struct RedisEndpoint {
  std::string host;
  int port = 6379;
  bool tls = false;
  int db = 0;
  std::string user;      // "" = the default one
  std::string password;  // "" = no AUTH; never in a message or a log
  std::string ca_file;   // "" = the system's certificates

  std::string Shown() const;  // for messages: "rediss://host:port/db"
};

// A password in the URL is refused: URLs stand in process lists and logs. It comes from the file
// `password_file`, else from the variable `password_env`, which is WEIR_MEMO_PASSWORD unless named.
// kConfigBadValue, kConfigFile, or kConfigVariable for a variable that is named but not set.
StatusOr<RedisEndpoint> ParseRedisUrl(const Env& env, std::string_view url);

}  // namespace weir
