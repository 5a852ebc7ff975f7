#include "connectors/http/exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace weir {

namespace {

constexpr size_t kMaxHeaderBytes = 64 * 1024;
constexpr size_t kMaxHeaders = 200;

bool IsHttpUrl(std::string_view url) {
  return url.rfind("http://", 0) == 0 || url.rfind("https://", 0) == 0;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// Without query and user: what a message may show of a URL.
std::string ShownUrl(std::string_view url) {
  std::string shown(url.substr(0, url.find_first_of("?#")));
  const size_t host = shown.find("://") + 3;
  const size_t end = std::min(shown.find('/', host), shown.size());
  const size_t at = shown.rfind('@', end);
  if (at != std::string::npos && at >= host) shown.erase(host, at + 1 - host);
  return shown;
}

}  // namespace

Exchange::Exchange(HttpRequest request, Done done)
    : request_(std::move(request)), done_(std::move(done)) {}

Status Exchange::Check(const HttpRequest& request) {
  const auto bad = [](std::string_view what) {
    return Err(ErrorCode::kConfigBadValue,
               absl::StrCat("an HTTP request cannot be sent: ", ToAbsl(what)));
  };
  if (!IsHttpUrl(request.url) || HasControl(request.url)) {
    return bad("its URL does not begin with http:// or https://");
  }
  if (!IsToken(request.method)) return bad("its method is not a word");
  for (const auto& [name, value] : request.headers) {
    // A line break in a value would be a header of its own.
    if (!IsToken(name) || HasControl(value)) return bad(absl::StrCat("its header ", name));
  }
  if (request.timeout_ms <= 0)
    return Err(ErrorCode::kHttpTimeout, "no time was left for the request");
  return absl::OkStatus();
}

Status Exchange::Prepare(CURL* easy, const HttpClientOptions& options) {
  CURLcode code = CURLE_OK;
  const auto set = [easy, &code](CURLoption option, auto value) {
    if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value);
  };
  for (const auto& [name, value] : request_.headers) {
    // "Name;" is how libcurl is told to send an empty one.
    const std::string line = value.empty() ? name + ";" : absl::StrCat(name, ": ", value);
    curl_slist* longer = curl_slist_append(headers_, line.c_str());
    if (longer != nullptr) headers_ = longer;
  }
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);  // a redirect would carry the key to wherever it points
  set(CURLOPT_NOSIGNAL, 1L);        // timeouts of name resolution must not use SIGALRM
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout_ms));  // NOLINT: libcurl's type
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::min(options.connect_timeout_ms, request_.timeout_ms)));  // NOLINT
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  set(CURLOPT_PROXY, options.proxy.c_str());  // "" also overrides the environment's
  set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (request_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (!request_.body.empty() || request_.method == "POST") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  set(CURLOPT_HTTPHEADER, headers_);
  set(CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  return code == CURLE_OK ? absl::OkStatus() : ToStatus(code);
}

size_t Exchange::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  const size_t bytes = size * count;
  if (bytes > exchange->request_.max_response_bytes - exchange->response_.body.size()) {
    exchange->too_large_ = true;
    return 0;  // libcurl ends the transfer
  }
  exchange->response_.body.append(data, bytes);
  return bytes;
}

size_t Exchange::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  const size_t bytes = size * count;
  exchange->header_bytes_ += bytes;
  HttpHeaders& headers = exchange->response_.headers;
  if (exchange->header_bytes_ > kMaxHeaderBytes || headers.size() >= kMaxHeaders) {
    exchange->too_large_ = true;
    return 0;
  }
  const absl::string_view line(data, bytes);
  const size_t colon = line.find(':');
  if (line.substr(0, 5) == "HTTP/") {
    headers.clear();  // those before it were of an interim response (100) or of a proxy
  } else if (colon != absl::string_view::npos) {
    headers.emplace_back(absl::AsciiStrToLower(line.substr(0, colon)),
                         std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return bytes;
}

Status Exchange::ToStatus(CURLcode code) const {
  const std::string where = ShownUrl(request_.url);
  if (too_large_) {
    return Err(ErrorCode::kHttpTooLarge, absl::StrCat(where, ": the response is larger than ",
                                                      request_.max_response_bytes, " bytes"));
  }
  const std::string text = absl::StrCat(where, ": ", curl_easy_strerror(code));
  if (code == CURLE_OPERATION_TIMEDOUT) return Err(ErrorCode::kHttpTimeout, text);
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return Err(ErrorCode::kConfigBadValue, text);
  }
  const bool certificate =
      code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
  return Err(ErrorCode::kHttpUnavailable, text,
             certificate ? "name the file of the authority that signed it as ca_file" : "");
}

void Exchange::Finish(CURL* easy, CURLcode code) {
  if (code != CURLE_OK || too_large_) return done_(ToStatus(code));
  long status = 0;  // NOLINT: libcurl's type
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  done_(std::move(response_));
}

}  // namespace weir
