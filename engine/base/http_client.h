// The HTTP client seam (DESIGN D3): one asynchronous exchange at a time, everything bounded.
// connectors/http implements it on libcurl; tests put a fake behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/status.h"

namespace weir {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "POST";
  std::string url;  // http:// or https://; nothing else is spoken
  HttpHeaders headers;
  std::string body;
  int64_t timeout_ms = 30'000;  // the whole exchange, waiting for a connection included
  size_t max_response_bytes = size_t{1} << 20;  // of the body, as it comes over the wire
};

struct HttpResponse {
  int status = 0;       // any; 3xx is not followed
  HttpHeaders headers;  // names in lower case
  std::string body;
  // The value of the first header `name` (lower case), or "".
  std::string_view Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

// Of a client as a whole.
struct HttpClientOptions {
  std::string ca_file;  // PEM; "" = the system's certificates. TLS peers are always verified
  std::string proxy;    // "" = none, whatever the environment says
  int64_t connect_timeout_ms = 5'000;
  int max_connections_per_host = 64;
  size_t max_in_flight = 4096;  // requests; one more fails at once
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;  // requests under way fail with kHttpUnavailable
  // Calls `done` exactly once, on any thread, perhaps before returning. Thread-safe. Errors:
  // kHttpUnavailable (no connection, TLS or protocol failure), kHttpTimeout, kHttpTooLarge,
  // kHttpOverloaded (max_in_flight), kConfigBadValue (the request cannot be sent as it is). No
  // message holds a header's or body's content. A status such as 500 is a response, no error.
  virtual void Send(HttpRequest request, std::function<void(StatusOr<HttpResponse>)> done) = 0;
};

}  // namespace weir
