#include "engine/server/telemetry.h"

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/server/prometheus.h"

namespace weir {
namespace {

HttpPage Probe(bool good, const Health::Report& report) {
  return {good ? 200 : 503, report.text + "\n"};
}

HttpPage Index(const std::string& title, const Health::Report& report) {
  return {200, absl::StrCat(title, ", ", report.text,
                            "\n\n/metrics   counters in Prometheus' text format\n"
                            "/healthz   200 unless it has failed\n"
                            "/readyz    200 while it takes work\n")};
}

}  // namespace

StatusOr<std::unique_ptr<HttpServer>> StartTelemetry(const TelemetrySettings& settings,
                                                     const std::string& title, const Env& env,
                                                     const MetricRegistry* metrics,
                                                     const Health* health) {
  if (settings.host.empty()) return std::unique_ptr<HttpServer>();
  HttpServer::Options options;
  options.host = settings.host;
  options.port = settings.port;
  const auto exporter = std::make_shared<PrometheusExporter>(metrics, env.clock);
  const auto handler = [title, exporter, health](const std::string& path) -> HttpPage {
    if (path == "/metrics") return {200, exporter->Text(), kPrometheusContentType};
    const Health::Report report = health->Now();
    if (path == "/healthz") return Probe(report.alive, report);
    if (path == "/readyz") return Probe(report.ready, report);
    if (path == "/") return Index(title, report);
    return {404, "no such page; see /\n"};
  };
  WEIR_ASSIGN_OR_RETURN(auto server, HttpServer::Start(options, *env.clock, handler));
  LogInfo("telemetry", absl::StrCat("http://", server->address(), "/metrics"));
  if (!settings.address_file.empty()) {
    WEIR_RETURN_IF_ERROR(env.fs->WriteFileAtomic(settings.address_file, server->address() + "\n"));
  }
  return server;
}

}  // namespace weir
