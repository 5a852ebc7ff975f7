#include "agent/service/agent_server.h"

#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/grpc/wire.h"
#include "agent/service/agent_service.h"
#include "engine/base/log.h"

namespace weir {

namespace {

constexpr int64_t kTickMs = 100;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kMinToken = 16;
constexpr char kServiceName[] = "weir.agent.v1.AgentService";

StatusOr<std::string> ReadFile(const Env& env, const std::string& path) {
  StatusOr<std::string> text = env.fs->ReadFile(path);
  if (text.ok()) return text;
  return Err(ErrorCode::kConfigFile, absl::StrCat("cannot read '", path, "'"));
}

StatusOr<std::vector<std::string>> ReadTokens(const Env& env, const std::string& path) {
  std::vector<std::string> tokens;
  if (path.empty()) return tokens;
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(env, path));
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    std::string token = text.substr(from, end - from);
    if (!token.empty() && token.back() == '\r') token.pop_back();
    from = end + 1;
    if (token.empty()) continue;
    if (token.size() < kMinToken) {
      return Err(ErrorCode::kConfigBadValue, "a token has fewer than 16 characters",
                 "openssl rand -hex 32");
    }
    tokens.push_back(std::move(token));
  }
  if (tokens.empty()) return Err(ErrorCode::kConfigBadValue, "the token file holds no token");
  return tokens;
}

StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const AgentServerOptions& o,
                                                               const Env& env) {
  if (o.tls_cert_file.empty() != o.tls_key_file.empty()) {
    return Err(ErrorCode::kConfigBadValue, "a certificate and its key come together");
  }
  if (o.tls_cert_file.empty()) {
    if (!o.tls_client_ca_file.empty()) {
      return Err(ErrorCode::kConfigBadValue, "client certificates need a server certificate");
    }
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions ssl(
      o.tls_client_ca_file.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                   : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  WEIR_ASSIGN_OR_RETURN(const std::string cert, ReadFile(env, o.tls_cert_file));
  WEIR_ASSIGN_OR_RETURN(const std::string key, ReadFile(env, o.tls_key_file));
  ssl.pem_key_cert_pairs.push_back({key, cert});
  if (!o.tls_client_ca_file.empty()) {
    WEIR_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(env, o.tls_client_ca_file));
  }
  return grpc::SslServerCredentials(ssl);
}

Status CheckExposure(const AgentServerOptions& o) {
  if (IsLoopback(o.listen)) return absl::OkStatus();
  if (o.token_file.empty()) {
    return Err(ErrorCode::kConfigBadValue,
               absl::StrCat("'", o.listen, "' is not the loopback interface and no token is set"),
               "give --token-file");
  }
  if (o.reflection) {
    return Err(ErrorCode::kConfigBadValue, "reflection asks for no token: it is for loopback only");
  }
  if (o.tls_cert_file.empty()) {
    LogWarning("agent", "the token and all requests travel unencrypted: no TLS certificate is set");
  }
  return absl::OkStatus();
}

// Every argument that differs from gRPC's default, and why.
void SetArguments(const AgentServerOptions& o, grpc::ServerBuilder* builder) {
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second agent must not share a port
  // Clients ping every 30 s; one that pings faster than every 10 s is sent away.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);  // to notice dead clients
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);  // per connection
  // Connections end a little after their streams, so that names are resolved anew.
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                              static_cast<int>(std::min<int64_t>(o.max_stream_age_ms, 1 << 30)));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                              static_cast<int>(std::min<int64_t>(o.stream_grace_ms * 2, 1 << 30)));
  builder->SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder->SetMaxSendMessageSize(kMaxMessageBytes);
  grpc::ResourceQuota quota("weir-agent");
  quota.Resize(256 << 20);  // bytes, over all connections
  builder->SetResourceQuota(quota);
}

class Server {
 public:
  Server(const AgentServerOptions& options, const Env& env, std::shared_ptr<DecisionDesk> desk,
         std::vector<std::string> tokens)
      : options_(options),
        env_(env),
        desk_(std::move(desk)),
        service_(env, desk_, std::move(tokens), options.max_streams) {}

  Status Build(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::EnableDefaultHealthCheckService(true);
    if (options_.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    SetArguments(options_, &builder);
    builder.AddListeningPort(options_.listen, credentials, &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return Err(ErrorCode::kConfigBadValue,
                 absl::StrCat("cannot listen on '", options_.listen, "'"),
                 "is the port taken, or the address not of this machine?");
    }
    SetServing(true);
    desk_->Start();
    return absl::OkStatus();
  }

  int port() const { return port_; }

  void Drain() {
    SetServing(false);
    desk_->Close();
    service_.DrainStreams();
  }
  bool idle() { return service_.streams() == 0 && desk_->waiting() == 0; }

  void Stop() {
    desk_->Close();
    service_.DrainStreams();
    desk_->Abandon();
    service_.CutStreams();
    server_->Shutdown(gpr_inf_past(GPR_CLOCK_REALTIME));  // cancels what is left
    server_->Wait();
  }

  void ScheduleTick(const std::weak_ptr<Server>& weak) {
    env_.io->SubmitAfter(kTickMs, [weak] {
      const auto server = weak.lock();
      if (server == nullptr) return;
      server->service_.WatchStreams(server->options_.max_stream_age_ms * kNsPerMs,
                                    server->options_.stream_grace_ms * kNsPerMs);
      server->ScheduleTick(weak);
    });
  }

 private:
  void SetServing(bool serving) {
    if (auto* health = server_->GetHealthCheckService()) {
      health->SetServingStatus(serving);
      health->SetServingStatus(kServiceName, serving);
    }
  }

  const AgentServerOptions options_;
  const Env env_;
  const std::shared_ptr<DecisionDesk> desk_;
  AgentService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// What the caller owns. A tick may hold the server a moment longer than it.
class ServerHandle : public AgentServer {
 public:
  explicit ServerHandle(std::shared_ptr<Server> server) : server_(std::move(server)) {}
  ~ServerHandle() override { server_->Stop(); }
  int port() const override { return server_->port(); }
  void Drain() override { server_->Drain(); }
  bool idle() override { return server_->idle(); }

 private:
  const std::shared_ptr<Server> server_;
};

}  // namespace

bool IsLoopback(const std::string& listen) {
  return absl::StartsWith(listen, "127.") || absl::StartsWith(listen, "localhost:") ||
         absl::StartsWith(listen, "[::1]:") || absl::StartsWith(listen, "unix:");
}

StatusOr<std::unique_ptr<AgentServer>> AgentServer::Start(const AgentServerOptions& options,
                                                          const Env& env,
                                                          std::shared_ptr<AgentChannel> reasoner,
                                                          MetricRegistry* metrics) {
  WEIR_RETURN_IF_ERROR(CheckExposure(options));
  WEIR_ASSIGN_OR_RETURN(std::vector<std::string> tokens, ReadTokens(env, options.token_file));
  WEIR_ASSIGN_OR_RETURN(const auto credentials, Credentials(options, env));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<AuditLog> audit,
                        AuditLog::Open(env.fs, env.clock, options.audit_log));
  auto desk = std::make_shared<DecisionDesk>(options.desk, env, std::move(reasoner),
                                             std::move(audit), metrics);
  auto server = std::make_shared<Server>(options, env, std::move(desk), std::move(tokens));
  WEIR_RETURN_IF_ERROR(server->Build(credentials));
  server->ScheduleTick(server);
  return std::unique_ptr<AgentServer>(std::make_unique<ServerHandle>(std::move(server)));
}

}  // namespace weir
