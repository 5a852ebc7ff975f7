#include "agent/grpc/endpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir {

namespace {

using T = OptionType;

constexpr size_t kMaxTargets = 64;

OptionDef Def(std::string name, OptionType type, std::string default_text, std::string doc) {
  OptionDef d;
  d.name = std::move(name);
  d.type = type;
  d.default_text = std::move(default_text);
  d.doc = std::move(doc);
  return d;
}

OptionDef Between(double min, double max, OptionDef d) {
  d.min = min;
  d.max = max;
  return d;
}

Status Bad(std::string_view text, std::string_view what) {
  return Err(ErrorCode::kConfigBadValue,
             absl::StrCat("agent endpoint '", ToAbsl(text), "': ", ToAbsl(what)),
             "write grpc://host:port[,host:port][?name=value&...]; docs/agent.md lists the names");
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t from = 0;;) {
    const size_t to = text.find(separator, from);
    parts.push_back(text.substr(from, to == std::string_view::npos ? to : to - from));
    if (to == std::string_view::npos) return parts;
    from = to + 1;
  }
}

// "host:port" or "[v6]:port", of characters that mean nothing else to gRPC's name resolution.
bool IsTarget(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  int port = 0;
  const std::string_view digits = text.substr(colon + 1);
  if (!absl::SimpleAtoi(ToAbsl(digits), &port) || port < 1 || port > 65535) return false;
  const std::string_view host = text.substr(0, colon);
  const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string_view inner = v6 ? host.substr(1, host.size() - 2) : host;
  return std::all_of(inner.begin(), inner.end(), [v6](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || (v6 && c == ':') || (!v6 && c == '_');
  });
}

Status ReadTargets(std::string_view text, std::string_view list, GrpcEndpoint* out) {
  for (const std::string_view target : Split(list, ',')) {
    if (!IsTarget(target)) {
      return Bad(text, absl::StrCat("'", ToAbsl(target), "' is no host:port"));
    }
    const auto& known = out->targets;
    if (std::find(known.begin(), known.end(), target) != known.end()) {
      return Bad(text, absl::StrCat("'", ToAbsl(target), "' stands twice"));
    }
    out->targets.emplace_back(target);
  }
  if (out->targets.size() > kMaxTargets) return Bad(text, "more than 64 addresses");
  return absl::OkStatus();
}

Status ReadOptions(std::string_view text, std::string_view query, Options* options) {
  const std::vector<OptionDef>& defs = GrpcEndpointOptions();
  for (const std::string_view pair : Split(query, '&')) {
    const size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const auto def =
        std::find_if(defs.begin(), defs.end(), [&](const OptionDef& d) { return d.name == name; });
    if (equals == std::string_view::npos || def == defs.end()) {
      return Bad(text, absl::StrCat("'", ToAbsl(name), "' is no parameter"));
    }
    if (options->Has(name)) return Bad(text, absl::StrCat("'", ToAbsl(name), "' stands twice"));
    StatusOr<OptionValue> value = Options::ParseScalar(*def, pair.substr(equals + 1));
    if (!value.ok()) {
      return Annotate(value.status(), absl::StrCat("agent endpoint, parameter '", def->name, "'"));
    }
    options->Set(def->name, *std::move(value));
  }
  return absl::OkStatus();
}

Status CheckCredentials(std::string_view text, const GrpcEndpoint& e) {
  const bool files = !e.ca_file.empty() || !e.cert_file.empty() || !e.server_name.empty();
  if (files && !e.tls) return Bad(text, "certificates need grpcs://");
  if (e.cert_file.empty() != e.key_file.empty()) {
    return Bad(text, "cert_file and key_file come together");
  }
  return absl::OkStatus();
}

void Take(const Options& options, GrpcEndpoint* e) {
  const auto str = [&](const char* name) {
    return options.Has(name) ? options.String(name) : std::string();
  };
  e->unary = options.Bool("unary");
  e->token_file = str("token_file");
  e->token_env = str("token_env");
  e->ca_file = str("ca_file");
  e->cert_file = str("cert_file");
  e->key_file = str("key_file");
  e->server_name = str("server_name");
  e->streams = options.Int("streams");
  e->in_flight = options.Int("in_flight");
  e->batch = options.Int("batch");
  e->stream_age_ms = options.Int("stream_age");
  e->connect_timeout_ms = options.Int("connect_timeout");
  e->breaker_failures = options.Int("breaker_failures");
  e->breaker_after_ms = options.Int("breaker_after");
  e->breaker_cooldown_ms = options.Int("breaker_cooldown");
}

}  // namespace

const std::vector<OptionDef>& GrpcEndpointOptions() {
  constexpr double kDay = 86'400'000;
  static const std::vector<OptionDef> defs = {
      Def("token_file", T::kString, "", "File that holds the token; read for each stream anew."),
      Def("token_env", T::kString, "WEIR_AGENT_TOKEN",
          "Environment variable that holds the token; used without a token_file; may be unset."),
      Def("ca_file", T::kString, "", "PEM certificates to trust instead of the system's (grpcs)."),
      Def("cert_file", T::kString, "", "PEM certificate that we show (grpcs)."),
      Def("key_file", T::kString, "", "PEM key of cert_file."),
      Def("server_name", T::kString, "", "Name that the server's certificate must have (grpcs)."),
      Between(1, 16, Def("streams", T::kInt, "2", "Streams, each on a connection of its own.")),
      Between(1, 1'000'000, Def("in_flight", T::kInt, "1000", "Requests under way.")),
      Between(1, 1024, Def("batch", T::kInt, "64", "Requests in one message.")),
      Between(100, kDay,
              Def("stream_age", T::kDuration, "5m", "Then a stream is replaced by a new one.")),
      Between(10, 600'000, Def("connect_timeout", T::kDuration, "5s", "For opening a stream.")),
      Between(1, 1'000'000,
              Def("breaker_failures", T::kInt, "5",
                  "The breaker opens after so many failures in a row, ...")),
      Between(0, kDay,
              Def("breaker_after", T::kDuration, "15s", "... if the first is at least so old.")),
      Between(1, kDay,
              Def("breaker_cooldown", T::kDuration, "5s",
                  "An open breaker lets one request try after this time.")),
      Def("unary", T::kBool, "false",
          "One `Decide` call per request, for agents without `DecideStream`."),
  };
  return defs;
}

StatusOr<GrpcEndpoint> GrpcEndpoint::Parse(std::string_view text) {
  GrpcEndpoint out;
  const size_t slashes = text.find("://");
  const std::string_view scheme = text.substr(0, slashes);
  if (slashes == std::string_view::npos || (scheme != "grpc" && scheme != "grpcs")) {
    return Bad(text, "the scheme is grpc:// or grpcs://");
  }
  out.tls = scheme == "grpcs";
  const std::string_view rest = text.substr(slashes + 3);
  const size_t question = rest.find('?');
  WEIR_RETURN_IF_ERROR(ReadTargets(text, rest.substr(0, question), &out));
  Options options;
  if (question != std::string_view::npos && question + 1 < rest.size()) {
    WEIR_RETURN_IF_ERROR(ReadOptions(text, rest.substr(question + 1), &options));
  }
  WEIR_RETURN_IF_ERROR(options.FillDefaults(GrpcEndpointOptions()));
  Take(options, &out);
  WEIR_RETURN_IF_ERROR(CheckCredentials(text, out));
  return out;
}

}  // namespace weir
