#include "agent/grpc/grpc_pipes.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/grpc/agent_stub.h"
#include "agent/grpc/pipe_kinds.h"
#include "agent/grpc/wire.h"
#include "engine/base/log.h"

namespace weir {

namespace {

// Names are found as everywhere else on the machine (hosts file, nsswitch). gRPC's default, c-ares,
// knows less of that and leaks a little with each look-up of `localhost` (1.18; LeakSanitizer).
// Set before main, because no other thread may be reading the environment; a user's own stays.
[[maybe_unused]] const int kSystemResolver = setenv("GRPC_DNS_RESOLVER", "native", 0);

// Every argument that differs from gRPC's default, and why.
grpc::ChannelArguments Arguments(const GrpcEndpoint& endpoint) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
              1);                                  // a connection for each slot, not one for all
  args.SetLoadBalancingPolicyName("round_robin");  // a name may have several addresses
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);         // the agent loop is the one retry owner
  // Reconnect fast: the pool's own pause (0.2 to 2 s) decides when it is asked for.
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,  // which is the limit for one connection attempt
              static_cast<int>(endpoint.connect_timeout_ms));
  // A dead peer is noticed after 40 s of silence; servers commonly refuse pings faster than 10-20
  // s.
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // no bound while a slow agent thinks
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetMaxSendMessageSize(kMaxMessageBytes);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // an agent is named, never reached by accident
  if (!endpoint.server_name.empty()) args.SetSslTargetNameOverride(endpoint.server_name);
  return args;
}

StatusOr<std::string> ReadOptional(const Env& env, const std::string& path) {
  if (path.empty()) return std::string();
  StatusOr<std::string> text = env.fs->ReadFile(path);
  if (!text.ok()) {
    return Err(ErrorCode::kConfigFile, absl::StrCat("agent endpoint: cannot read '", path, "'"));
  }
  return text;
}

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const GrpcEndpoint& endpoint,
                                                                const Env& env) {
  if (!endpoint.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  WEIR_ASSIGN_OR_RETURN(options.pem_root_certs, ReadOptional(env, endpoint.ca_file));
  WEIR_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadOptional(env, endpoint.cert_file));
  WEIR_ASSIGN_OR_RETURN(options.pem_private_key, ReadOptional(env, endpoint.key_file));
  return grpc::SslCredentials(options);
}

class GrpcPipeFactory : public PipeFactory {
 public:
  GrpcPipeFactory(GrpcEndpoint endpoint, const Env& env,
                  const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : endpoint_(std::move(endpoint)), env_(env) {
    for (const std::string& target : endpoint_.targets) {
      for (int64_t i = 0; i < endpoint_.streams; ++i) {
        AgentStub stub;
        stub.channel = grpc::CreateCustomChannel(target, credentials, Arguments(endpoint_));
        stub.stub = agent::v1::AgentService::NewStub(stub.channel);
        stubs_.push_back(std::move(stub));
      }
    }
  }

  std::shared_ptr<AgentPipe> Open(size_t endpoint, size_t slot,
                                  std::shared_ptr<PipeListener> listener) override {
    AgentStub* stub = &stubs_[endpoint * static_cast<size_t>(endpoint_.streams) + slot];
    if (endpoint_.unary) return OpenUnaryPipe(stub, Token(), std::move(listener));
    return OpenStreamPipe(stub, Token(), static_cast<size_t>(endpoint_.batch), env_.clock,
                          std::move(listener));
  }

 private:
  // Read anew for each stream, so that a token can be rotated under a running job.
  std::string Token() const {
    std::string token;
    if (!endpoint_.token_file.empty()) {
      StatusOr<std::string> text = env_.fs->ReadFile(endpoint_.token_file);
      if (!text.ok()) LogWarning("agent", "the token file of the agent endpoint cannot be read");
      token = text.ok() ? *std::move(text) : std::string();
    } else if (!endpoint_.token_env.empty() && env_.variable) {
      token = env_.variable(endpoint_.token_env).value_or("");
    }
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    return token;
  }

  const GrpcEndpoint endpoint_;
  const Env env_;
  std::vector<AgentStub> stubs_;
};

}  // namespace

StatusOr<std::unique_ptr<PipeFactory>> NewGrpcPipeFactory(const GrpcEndpoint& endpoint,
                                                          const Env& env) {
  WEIR_ASSIGN_OR_RETURN(const auto credentials, Credentials(endpoint, env));
  return std::unique_ptr<PipeFactory>(
      std::make_unique<GrpcPipeFactory>(endpoint, env, credentials));
}

}  // namespace weir
