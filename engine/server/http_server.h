// A small HTTP server for probes and scrapers (cpp-httplib behind it; its header stays in the .cc).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/status.h"

namespace weir {

struct HttpPage {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0 = any that is free
  int threads = 4;
  int max_connections = 32;  // being answered or waiting to be
  int64_t head_ms = 2000;
  int64_t answer_ms = 5000;
  size_t max_head_bytes = 8192;
};

// Called on the server's threads, several at a time, for GET and HEAD; `path` is decoded and
// without its query.
using HttpPageHandler = std::function<HttpPage(const std::string& path)>;

// Everything is bounded, because who asks may be slow or hostile: a request has a head of at most
// `max_head_bytes` that must be there within `head_ms` of the connection, no body, and one answer;
// then the connection is closed. Connections beyond `max_connections` are answered with 503.
// The threads are the server's own: nobody who asks can hold up a job.
class HttpServer {
 public:
  using Options = HttpServerOptions;
  // Listens when it returns. kConfigBadValue if it cannot.
  static StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, const Clock& clock,
                                                     HttpPageHandler handler);
  // Breaks off what is being answered; takes at most about 100 ms.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  std::string address() const;  // "127.0.0.1:9464", "[::1]:9464"

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
