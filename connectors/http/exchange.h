// One request under way: the easy handle's settings, and what has arrived of the response.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/base/http_client.h"

namespace weir {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyPtr = std::unique_ptr<CURL, EasyDeleter>;

// Stays where it is while libcurl works on it. Used by the loop's thread only.
class Exchange {
 public:
  using Done = std::function<void(StatusOr<HttpResponse>)>;
  Exchange(HttpRequest request, Done done);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { curl_slist_free_all(headers_); }

  // kConfigBadValue for a request that cannot be sent: its URL, method or a header.
  static Status Check(const HttpRequest& request);
  // Makes `easy` ready to be added to the multi handle.
  Status Prepare(CURL* easy, const HttpClientOptions& options);
  // The exchange is over; calls back.
  void Finish(CURL* easy, CURLcode code);
  void Fail(const Status& status) { done_(status); }

 private:
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  Status ToStatus(CURLcode code) const;

  HttpRequest request_;
  Done done_;
  HttpResponse response_;
  curl_slist* headers_ = nullptr;
  size_t header_bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace weir
