#include "connectors/http/curl_client.h"

#include <curl/curl.h>

#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/http/exchange.h"
#include "engine/base/guarded.h"

namespace weir {

namespace {

constexpr int kIdlePollMs = 10'000;  // nothing depends on it: a new request wakes the loop
constexpr size_t kSpareHandles = 64;

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

}  // namespace

// Shared by the client and its thread: a client that is dropped by a callback, on the thread
// itself, cannot wait for the thread to end.
class CurlClient::Loop {
 public:
  Loop(HttpClientOptions options, CURLM* multi) : options_(std::move(options)), multi_(multi) {}

  Status Start(std::shared_ptr<Loop> self) {
    const auto max = static_cast<long>(options_.max_connections_per_host);  // NOLINT: libcurl's
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, max);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, max);
    thread_ = std::thread([self = std::move(self)] { self->Run(); });
    return absl::OkStatus();
  }

  void Stop() {
    queue_.With([](Queue* queue) { queue->closed = true; });
    curl_multi_wakeup(multi_.get());
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  void Send(HttpRequest request, Exchange::Done done) {
    Status status = Exchange::Check(request);
    if (status.ok()) {
      auto exchange = std::make_unique<Exchange>(std::move(request), std::move(done));
      status = Enqueue(&exchange);
      if (!status.ok()) exchange->Fail(status);
      return;
    }
    done(status);
  }

 private:
  struct Queue {
    std::vector<std::unique_ptr<Exchange>> waiting;
    size_t in_flight = 0;  // waiting ones included
    bool closed = false;
  };
  struct Running {
    EasyPtr easy;
    std::unique_ptr<Exchange> exchange;
  };

  // Leaves *exchange alone unless it is taken.
  Status Enqueue(std::unique_ptr<Exchange>* exchange) {
    Status status = queue_.With([&](Queue* queue) {
      if (queue->closed) return Err(ErrorCode::kHttpUnavailable, "the HTTP client is closed");
      if (queue->in_flight >= options_.max_in_flight) {
        return Err(ErrorCode::kHttpOverloaded, "too many HTTP requests are under way");
      }
      ++queue->in_flight;
      queue->waiting.push_back(std::move(*exchange));
      return Status();
    });
    if (status.ok()) curl_multi_wakeup(multi_.get());
    return status;
  }

  void Run() {
    bool closed = false;
    while (!closed) {
      std::vector<std::unique_ptr<Exchange>> fresh;
      queue_.With([&](Queue* queue) {
        fresh.swap(queue->waiting);
        closed = queue->closed;
      });
      for (auto& exchange : fresh) Begin(std::move(exchange));
      int active = 0;
      curl_multi_perform(multi_.get(), &active);
      Reap();
      if (!closed) curl_multi_poll(multi_.get(), nullptr, 0, kIdlePollMs, nullptr);
    }
    const Status gone = Err(ErrorCode::kHttpUnavailable, "the HTTP client is closed");
    for (auto& [easy, running] : running_) {
      curl_multi_remove_handle(multi_.get(), easy);
      running.exchange->Fail(gone);
    }
    running_.clear();
  }

  void Begin(std::unique_ptr<Exchange> exchange) {
    EasyPtr easy = TakeHandle();
    Status status = easy == nullptr ? Err(ErrorCode::kHttpUnavailable, "libcurl gave no handle")
                                    : exchange->Prepare(easy.get(), options_);
    if (status.ok() && curl_multi_add_handle(multi_.get(), easy.get()) != CURLM_OK) {
      status = Err(ErrorCode::kHttpUnavailable, "libcurl did not take the request");
    }
    if (!status.ok()) {
      Left();
      return exchange->Fail(status);
    }
    CURL* key = easy.get();
    running_.emplace(key, Running{std::move(easy), std::move(exchange)});
  }

  void Reap() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto it = running_.find(message->easy_handle);
      if (it == running_.end()) continue;
      Running done = std::move(it->second);
      running_.erase(it);
      curl_multi_remove_handle(multi_.get(), done.easy.get());  // `message` is gone from here on
      Left();
      done.exchange->Finish(done.easy.get(), code);
      if (spare_.size() < kSpareHandles) spare_.push_back(std::move(done.easy));
    }
  }

  void Left() {
    queue_.With([](Queue* queue) { --queue->in_flight; });
  }

  EasyPtr TakeHandle() {
    if (spare_.empty()) return EasyPtr(curl_easy_init());
    EasyPtr easy = std::move(spare_.back());
    spare_.pop_back();
    curl_easy_reset(easy.get());
    return easy;
  }

  const HttpClientOptions options_;
  std::unique_ptr<CURLM, MultiDeleter> multi_;
  Guarded<Queue> queue_;
  // Of the thread alone; after multi_, so that handles go first.
  std::vector<EasyPtr> spare_;
  std::unordered_map<CURL*, Running> running_;
  std::thread thread_;
};

CurlClient::CurlClient(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}
CurlClient::~CurlClient() { loop_->Stop(); }

StatusOr<std::shared_ptr<HttpClient>> CurlClient::Create(const HttpClientOptions& options) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = global == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) return Err(ErrorCode::kHttpUnavailable, "libcurl cannot be set up");
  auto loop = std::make_shared<Loop>(options, multi);
  WEIR_RETURN_IF_ERROR(loop->Start(loop));
  return std::shared_ptr<HttpClient>(new CurlClient(std::move(loop)));
}

void CurlClient::Send(HttpRequest request, std::function<void(StatusOr<HttpResponse>)> done) {
  loop_->Send(std::move(request), std::move(done));
}

HttpClientType CurlHttpClientType() {
  return {"curl",
          [](const Env&, const HttpClientOptions& options) { return CurlClient::Create(options); }};
}

}  // namespace weir
