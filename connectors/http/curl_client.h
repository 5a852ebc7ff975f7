// HttpClient on libcurl: one curl_multi handle, driven by one thread of this folder.
#pragma once

#include <memory>

#include "engine/base/env.h"
#include "engine/base/http_client.h"
#include "engine/core/registry.h"

namespace weir {

// Connections are kept and used again. Redirects are not followed, TLS peers are verified, a proxy
// is used only if the options name one, bodies and headers are bounded while they arrive.
class CurlClient : public HttpClient {
 public:
  // kHttpUnavailable if libcurl cannot be set up.
  static StatusOr<std::shared_ptr<HttpClient>> Create(const HttpClientOptions& options);
  ~CurlClient() override;
  void Send(HttpRequest request, std::function<void(StatusOr<HttpResponse>)> done) override;

 private:
  class Loop;
  explicit CurlClient(std::shared_ptr<Loop> loop);
  std::shared_ptr<Loop> loop_;
};

HttpClientType CurlHttpClientType();

}  // namespace weir
