// The text of an agent endpoint, taken apart and checked.
//
//   grpc://10.0.0.5:7070,10.0.0.6:7070?token_file=/run/secrets/agent&breaker_after=20s
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/options.h"

namespace weir {

struct GrpcEndpoint {
  std::vector<std::string> targets;  // "host:port", at least one, none twice
  bool tls = false;                  // grpcs://
  bool unary = false;                // one Decide per request, for agents without DecideStream

  // Who we are and whom we trust.
  std::string token_file;
  std::string token_env = "WEIR_AGENT_TOKEN";  // used when there is no token_file
  std::string ca_file, cert_file, key_file;
  std::string server_name;  // what the server's certificate must say, if not the host

  // How much at once. All are per target.
  int64_t streams = 2;
  int64_t in_flight = 1000;
  int64_t batch = 64;  // requests in one message

  // How patiently.
  int64_t stream_age_ms = 300'000;
  int64_t connect_timeout_ms = 5'000;
  int64_t breaker_failures = 5;
  int64_t breaker_after_ms = 15'000;
  int64_t breaker_cooldown_ms = 5'000;

  // kConfigBadValue (5 kinds of it; the message says which part) or an error of the option table.
  static StatusOr<GrpcEndpoint> Parse(std::string_view text);
};

// The parameters behind the '?', in the order of docs/agent.md.
const std::vector<OptionDef>& GrpcEndpointOptions();

}  // namespace weir
