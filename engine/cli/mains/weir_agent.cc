// weir-agent: the agent service. CLI11's header is heavy; it is included by mains only.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/reason/reasoner_factory.h"
#include "agent/service/agent_server.h"
#include "engine/base/env.h"
#include "engine/base/log.h"
#include "engine/base/notification.h"
#include "engine/cli/commands.h"
#include "engine/core/options.h"
#include "engine/plan/listen.h"
#include "engine/server/telemetry.h"

namespace weir {
namespace {

constexpr int64_t kPollMs = 100;

volatile std::sig_atomic_t g_signals = 0;
void OnSignal(int) { g_signals = g_signals + 1; }

struct AgentArgs {
  AgentServerOptions server;
  std::map<std::string, std::string> reasoner;  // by the name in the option table
  std::string port_file;
  std::string stream_age = "30m", stream_grace = "30s", drain_timeout = "10s", max_timeout = "10m";
  std::string max_context = "64KiB";
  std::string log_format = "text", log_level = "info";
  std::string telemetry_listen = "off";
  bool telemetry_allow_remote = false;
  TelemetrySettings telemetry;
  int io_threads = 4;
};

void AddServerArgs(CLI::App* app, AgentArgs* a) {
  AgentServerOptions* s = &a->server;
  app->add_option("--listen", s->listen, "host:port to serve at; port 0 = any free one")
      ->capture_default_str();
  app->add_option("--port-file", a->port_file, "Write the port here once it is bound");
  app->add_option("--token-file", s->token_file,
                  "Tokens, one a line, of which a client must show one; required off loopback");
  app->add_option("--tls-cert", s->tls_cert_file, "PEM certificate; then only TLS is served");
  app->add_option("--tls-key", s->tls_key_file, "PEM key of the certificate");
  app->add_option("--tls-client-ca", s->tls_client_ca_file,
                  "PEM certificates of which clients must show a child (mTLS)");
  app->add_flag("--reflection", s->reflection, "Serve gRPC reflection (loopback only)");
}

void AddLimitArgs(CLI::App* app, AgentArgs* a) {
  AgentServerOptions* s = &a->server;
  app->add_option("--max-in-flight", s->desk.max_in_flight,
                  "Questions that the reasoner works on at the same time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_option("--max-context", a->max_context, "Largest context of a request")
      ->capture_default_str();
  app->add_option("--max-timeout", a->max_timeout, "Longest time that a request may give")
      ->capture_default_str();
  app->add_option("--max-streams", s->max_streams, "Streams that are open at the same time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app->add_option("--max-stream-age", a->stream_age,
                  "Then a client is asked to open its stream anew, perhaps at another replica")
      ->capture_default_str();
  app->add_option("--stream-grace", a->stream_grace, "From that until the stream is cut")
      ->capture_default_str();
  app->add_option("--drain-timeout", a->drain_timeout,
                  "On SIGTERM: wait this long for what is under way")
      ->capture_default_str();
}

// As the section `telemetry` of a topology.
void AddTelemetryArgs(CLI::App* app, AgentArgs* a) {
  app->add_option("--telemetry-listen", a->telemetry_listen,
                  "host:port of /metrics, /healthz and /readyz; port 0 = any free one; or off")
      ->capture_default_str();
  app->add_flag("--telemetry-allow-remote", a->telemetry_allow_remote,
                "Serve them beyond loopback too, where nobody is asked for a password");
  app->add_option("--telemetry-address-file", a->telemetry.address_file,
                  "Write their host:port here once it is bound");
}

void AddOtherArgs(CLI::App* app, AgentArgs* a) {
  app->add_option("--audit-log", a->server.audit_log,
                  "Append one JSON line for each question and each answer to this file");
  app->add_option("--io-threads", a->io_threads, "Threads for the reasoner's work and for timers")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app->add_option("--log-format", a->log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app->add_option("--log-level", a->log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

// One option table serves the command line, the checks and the reference.
void AddReasonerArgs(CLI::App* app, AgentArgs* a) {
  for (const OptionDef& def : ReasonerOptionDefs()) {
    std::string flag = "--" + def.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    app->add_option_function<std::string>(
           flag, [a, name = def.name](const std::string& text) { a->reasoner[name] = text; },
           def.doc)
        ->default_str(def.default_text);
  }
}

StatusOr<ReasonerOptions> ReadReasoner(const AgentArgs& a) {
  Options options;
  for (const OptionDef& def : ReasonerOptionDefs()) {
    const auto given = a.reasoner.find(def.name);
    if (given == a.reasoner.end()) continue;
    StatusOr<OptionValue> value = OptionValue();
    if (def.type == OptionType::kStringList) {
      value->list = absl::StrSplit(given->second, absl::ByAnyChar("[], "), absl::SkipEmpty());
    } else {
      value = Options::ParseScalar(def, given->second);
    }
    if (!value.ok()) return Annotate(value.status(), "--" + def.name);
    options.Set(def.name, *std::move(value));
  }
  WEIR_RETURN_IF_ERROR(options.FillDefaults(ReasonerOptionDefs()));
  return ReadReasonerOptions(options);
}

Status ReadDuration(const char* name, const std::string& text, int64_t* ms) {
  const StatusOr<int64_t> value = ParseDuration(text);
  if (!value.ok() || *value <= 0) {
    return Err(ErrorCode::kConfigBadValue,
               absl::StrCat(name, ": '", text, "' is no time above zero"), "write 30s, 5m or 1h");
  }
  *ms = *value;
  return absl::OkStatus();
}

Status ReadTelemetry(AgentArgs* a) {
  if (a->telemetry_listen == "off") return absl::OkStatus();
  TelemetrySettings* t = &a->telemetry;
  if (!SplitListen(a->telemetry_listen, &t->host, &t->port)) {
    return Err(ErrorCode::kConfigBadValue,
               absl::StrCat("--telemetry-listen: expected host:port or off, found '",
                            a->telemetry_listen, "'"),
               "for example 127.0.0.1:9465, or [::1]:9465");
  }
  if (IsLoopbackHost(t->host) || a->telemetry_allow_remote) return absl::OkStatus();
  return Err(
      ErrorCode::kConfigBadValue,
      absl::StrCat("--telemetry-listen: '", t->host, "' can be reached from other machines"),
      "give --telemetry-allow-remote if that is meant; the endpoint asks nobody for a password");
}

// `drain_ms`: of the whole process.
Status Finish(AgentArgs* a, int64_t* drain_ms) {
  AgentServerOptions* s = &a->server;
  WEIR_RETURN_IF_ERROR(ReadTelemetry(a));
  WEIR_RETURN_IF_ERROR(ReadDuration("--max-stream-age", a->stream_age, &s->max_stream_age_ms));
  WEIR_RETURN_IF_ERROR(ReadDuration("--stream-grace", a->stream_grace, &s->stream_grace_ms));
  WEIR_RETURN_IF_ERROR(ReadDuration("--drain-timeout", a->drain_timeout, drain_ms));
  WEIR_RETURN_IF_ERROR(ReadDuration("--max-timeout", a->max_timeout, &s->desk.max_timeout_ms));
  WEIR_ASSIGN_OR_RETURN(const int64_t bytes, ParseSize(a->max_context));
  s->desk.max_context_bytes = static_cast<size_t>(bytes);
  return absl::OkStatus();
}

void InstallSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

LogLevel ParseLevel(const std::string& level) {
  if (level == "debug") return LogLevel::kDebug;
  if (level == "warning") return LogLevel::kWarning;
  if (level == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

std::string Figures(const MetricRegistry& metrics) {
  const auto sum = [&](const char* name) {
    return metrics.Sum(absl::StrCat("weir_agent_service_", name, "_total"));
  };
  return absl::StrCat("requests ", sum("requests"), ", asked ", sum("asked"), ", joined ",
                      sum("joined"), ", answered ", sum("answered"), ", failed ", sum("failed"),
                      ", expired ", sum("expired"), ", cancelled ", sum("cancelled"), ", refused ",
                      sum("refused"), ", outcomes ", sum("outcomes"));
}

// First signal: finish what is under way. Second: end at once.
void WaitForEnd(AgentServer* server, const Env& env, int64_t drain_ms, Health* health) {
  Notification never;
  while (g_signals == 0) never.WaitForMs(kPollMs);
  health->Set(HealthPhase::kStopping, "finishing what is under way");
  LogInfo("agent", "going away: finishing what is under way (once more = at once)");
  server->Drain();
  const int64_t until = env.clock->MonoNs() + drain_ms * 1'000'000;
  while (g_signals == 1 && !server->idle() && env.clock->MonoNs() < until) {
    never.WaitForMs(kPollMs);
  }
  if (!server->idle()) LogWarning("agent", "some requests are left unanswered");
}

// The log's lines are counted while this lives.
class CountedLog {
 public:
  explicit CountedLog(MetricRegistry* metrics) { SetLogMetrics(metrics); }
  ~CountedLog() { SetLogMetrics(nullptr); }
  CountedLog(const CountedLog&) = delete;
  CountedLog& operator=(const CountedLog&) = delete;
};

// Serves until a signal comes; `metrics` outlives all that counts.
Status Serve(const AgentArgs& args, int64_t drain_ms, const Env& env, MetricRegistry* metrics,
             Health* health) {
  Registry registry;
  WEIR_RETURN_IF_ERROR(RegisterAll(&registry));
  WEIR_ASSIGN_OR_RETURN(const ReasonerOptions options, ReadReasoner(args));
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<AgentChannel> reasoner,
                        MakeReasoner(env, registry, options, metrics));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<AgentServer> server,
                        AgentServer::Start(args.server, env, std::move(reasoner), metrics));
  LogInfo("agent", absl::StrCat("serving at ", args.server.listen, ", port ", server->port(),
                                ", reasoner ", options.reasoner));
  health->Set(HealthPhase::kRunning, "");
  if (!args.port_file.empty()) {
    WEIR_RETURN_IF_ERROR(
        env.fs->WriteFileAtomic(args.port_file, absl::StrCat(server->port(), "\n")));
  }
  WaitForEnd(server.get(), env, drain_ms, health);
  server.reset();
  LogInfo("agent", Figures(*metrics));
  return absl::OkStatus();
}

// The probes answer before the service does and until it has gone.
Status Run(AgentArgs* args) {
  int64_t drain_ms = 0;
  WEIR_RETURN_IF_ERROR(Finish(args, &drain_ms));
  MetricRegistry metrics;
  RealEnv real(args->io_threads);
  const Env& env = real.env();
  metrics.GetGauge("weir_build_info", {{"version", WEIR_VERSION}})->Set(1);
  metrics.GetGauge("weir_agent_service_start_time_seconds", {})->Set(env.clock->NowMs());
  const CountedLog counted(&metrics);
  Health health(metrics.GetGauge("weir_agent_service_ready", {}));
  WEIR_ASSIGN_OR_RETURN(const auto telemetry,
                        StartTelemetry(args->telemetry, "weir-agent", env, &metrics, &health));
  return Serve(*args, drain_ms, env, &metrics, &health);
}

int Main(int argc, char** argv) {
  CLI::App app{"The agent service: answers the questions of Weir's agent loops", "weir-agent"};
  AgentArgs args;
  AddServerArgs(&app, &args);
  AddLimitArgs(&app, &args);
  AddReasonerArgs(&app, &args);
  AddTelemetryArgs(&app, &args);
  AddOtherArgs(&app, &args);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitOk : kExitUsage;
  }
  SetLogLevel(ParseLevel(args.log_level));
  SetLogJson(args.log_format == "json");
  InstallSignals();
  const Status status = Run(&args);
  if (status.ok()) return kExitOk;
  std::cerr << "weir-agent: " << FormatError(status) << "\n";
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ? kExitConfig : kExitFailed;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
