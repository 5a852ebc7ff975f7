// The agent service as a gRPC server: a channel that decides, behind proto/weir/agent/v1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/service/decision_desk.h"
#include "engine/base/env.h"
#include "engine/base/metrics.h"
#include "engine/base/status.h"
#include "engine/core/agent_channel.h"

namespace weir {

struct AgentServerOptions {
  std::string listen = "127.0.0.1:0";  // host:port; port 0 = any free one
  std::string token_file;              // one token a line; each is accepted
  std::string tls_cert_file, tls_key_file;
  std::string tls_client_ca_file;  // then clients must show a certificate of it
  bool reflection = false;
  DeskConfig desk;
  int64_t max_stream_age_ms = 1'800'000;
  int64_t stream_grace_ms = 30'000;  // from the request to drain until it is cut
  size_t max_streams = 1000;
  std::string audit_log;
};

// Thread-safe. Beyond the loopback interface a token file is required (kConfigBadValue).
class AgentServer {
 public:
  // Serves when it returns. `reasoner` is asked on gRPC's threads and must not block them. Errors:
  // kConfigBadValue, kConfigFile.
  static StatusOr<std::unique_ptr<AgentServer>> Start(const AgentServerOptions& options,
                                                      const Env& env,
                                                      std::shared_ptr<AgentChannel> reasoner,
                                                      MetricRegistry* metrics);
  // Ends at once what still is there.
  virtual ~AgentServer() = default;

  virtual int port() const = 0;
  // Goes away politely: health says NOT_SERVING, clients are told to use other streams, nothing new
  // is taken. Call once; then wait until idle() or as long as you like, then destroy.
  virtual void Drain() = 0;
  virtual bool idle() = 0;
};

// True for "127.0.0.1:80", "[::1]:80", "localhost:80", "unix:...".
bool IsLoopback(const std::string& listen);

}  // namespace weir
