#include "engine/server/http_server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/notification.h"
#include "engine/base/thread_pool.h"

namespace weir {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kSliceMs = 50;  // how often a wait looks whether the server stops
constexpr int64_t kLingerMs = 200;
constexpr size_t kMaxRequestLine = 2048;

// What the library's socket callback is to do with the connection: it knows only the socket.
struct Turn {
  bool reject = false;
  int64_t accepted_ns = 0;
};
thread_local Turn turn;

// A connection with deadlines. The library sees the request line and no header: it would run
// regular expressions over Range, and nothing here depends on any header.
class Connection final : public httplib::Stream {
 public:
  Connection(int fd, const Clock& clock, const std::atomic<bool>& stopping)
      : fd_(fd), clock_(clock), stopping_(stopping) {}
  ~Connection() override { ::close(fd_); }

  void SetDeadline(int64_t ns) { deadline_ns_ = ns; }

  // Reads up to the empty line. 0, or the status to answer with; -1 if nobody is there any more.
  int ReadHead(size_t max_bytes) {
    std::string head;
    char part[1024];
    for (;;) {
      const ssize_t n = ::recv(fd_, part, sizeof(part), MSG_DONTWAIT);
      if (n == 0) return -1;
      if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) return -1;
        if (!Wait(POLLIN)) return 408;
        continue;
      }
      const size_t look_from = head.size() < 3 ? 0 : head.size() - 3;
      head.append(part, static_cast<size_t>(n));
      const size_t end = head.find("\r\n\r\n", look_from);
      if (end != std::string::npos && end <= max_bytes) break;
      if (head.size() > max_bytes) return 431;
    }
    const size_t line = head.find("\r\n");
    if (line > kMaxRequestLine) return 414;
    input_ = head.substr(0, line) + "\r\nConnection: close\r\n\r\n";
    return 0;
  }

  void Answer(int status, const char* reason) {
    const std::string text =
        absl::StrCat("HTTP/1.1 ", status, " ", reason,
                     "\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ",
                     std::string(reason).size() + 1, "\r\n\r\n", reason, "\n");
    write(text.data(), text.size());
  }

  // Takes what the other side still sends, for a moment: closing on unread bytes would destroy the
  // answer under way.
  void Linger() {
    ::shutdown(fd_, SHUT_WR);
    SetDeadline(clock_.MonoNs() + kLingerMs * kNsPerMs);
    char part[4096];
    for (size_t taken = 0; taken < 64 * sizeof(part);) {
      const ssize_t n = ::recv(fd_, part, sizeof(part), MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return;
      if (n > 0) {
        taken += static_cast<size_t>(n);
      } else if (!Wait(POLLIN)) {
        return;
      }
    }
  }

  // httplib::Stream
  bool is_readable() const override { return read_ < input_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const size_t n = std::min(size, input_.size() - read_);
    std::copy_n(input_.data() + read_, n, to);
    read_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = ::send(fd_, from + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if ((errno != EAGAIN && errno != EINTR) || !Wait(POLLOUT)) {
        return -1;
      }
    }
    return static_cast<ssize_t>(done);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  socket_t socket() const override { return fd_; }

 private:
  // False at the deadline, or when the server stops.
  bool Wait(short events) {
    for (;;) {
      const int64_t left_ms = (deadline_ns_ - clock_.MonoNs()) / kNsPerMs;
      if (left_ms <= 0 || stopping_.load()) return false;
      pollfd waiting = {fd_, events, 0};
      const int slice = static_cast<int>(std::min<int64_t>(left_ms, kSliceMs));
      if (::poll(&waiting, 1, slice) > 0) return true;
    }
  }

  const int fd_;
  const Clock& clock_;
  const std::atomic<bool>& stopping_;
  int64_t deadline_ns_ = 0;
  std::string input_;
  size_t read_ = 0;
};

const char* Reason(int status) {
  switch (status) {
    case 408:
      return "Request Timeout";
    case 414:
      return "URI Too Long";
    default:
      return "Request Header Fields Too Large";
  }
}

}  // namespace

class HttpServer::Impl final : public httplib::Server {
 public:
  Impl(const HttpServerOptions& options, const Clock& clock, HttpPageHandler handler)
      : options_(options), clock_(clock), workers_(options.threads), acceptor_(1) {
    new_task_queue = [this] {
      running_.Notify();
      return new Queue(this);
    };
    // Not the library's own: with SO_REUSEPORT two jobs could share a port without knowing.
    set_socket_options([](socket_t fd) {
      const int yes = 1;
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    set_pre_routing_handler([handler = std::move(handler)](const httplib::Request& request,
                                                           httplib::Response& response) {
      HttpPage made = request.method == "GET" || request.method == "HEAD"
                          ? handler(request.path)
                          : HttpPage{405, "only GET and HEAD\n"};
      response.status = made.status;
      response.set_content(made.body, made.type.c_str());
      return HandlerResponse::Handled;
    });
  }

  ~Impl() override {
    stopping_ = true;
    if (listening_) stop();
  }

  Status Listen() {
    if (options_.port == 0) {
      port_ = bind_to_any_port(options_.host);
    } else if (bind_to_port(options_.host, options_.port)) {
      port_ = options_.port;
    }
    if (port_ <= 0) {
      return Err(ErrorCode::kConfigBadValue,
                 absl::StrCat("telemetry: cannot listen at ", options_.host, ":", options_.port),
                 "another process may have the port, or the address is not one of this machine; "
                 "port 0 takes any that is free");
    }
    listening_ = true;
    acceptor_.Submit([this] { listen_after_bind(); });
    running_.WaitForMs(INT64_C(10'000));
    return absl::OkStatus();
  }

  int port() const { return port_; }
  const HttpServerOptions& options() const { return options_; }

 private:
  // Connections go to the workers, and beyond the bound straight to an answer that says so.
  class Queue final : public httplib::TaskQueue {
   public:
    explicit Queue(Impl* server) : server_(server) {}
    void enqueue(std::function<void()> work) override { server_->Take(std::move(work)); }
    void shutdown() override {}

   private:
    Impl* server_;
  };

  void Take(std::function<void()> work) {
    if (open_.fetch_add(1) >= options_.max_connections) {
      turn = {true, 0};
      work();
      open_.fetch_sub(1);
      return;
    }
    workers_.Submit([this, work = std::move(work), accepted = clock_.MonoNs()] {
      turn = {false, accepted};
      work();
      open_.fetch_sub(1);
    });
  }

  bool process_and_close_socket(socket_t fd) override {
    Connection connection(fd, clock_, stopping_);
    if (turn.reject) {
      connection.Answer(503, "Service Unavailable");
      return false;
    }
    connection.SetDeadline(turn.accepted_ns + options_.head_ms * kNsPerMs);
    const int refused = connection.ReadHead(options_.max_head_bytes);
    if (refused < 0) return false;
    connection.SetDeadline(clock_.MonoNs() + options_.answer_ms * kNsPerMs);
    bool closed = false;
    if (refused > 0) {
      connection.Answer(refused, Reason(refused));
    } else if (!process_request(connection, true, closed, nullptr)) {
      return false;
    }
    connection.Linger();
    return true;
  }

  const HttpServerOptions options_;
  const Clock& clock_;
  int port_ = -1;
  bool listening_ = false;
  Notification running_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> open_{0};
  ThreadPool workers_;   // ends after the acceptor, which gives it work
  ThreadPool acceptor_;  // one thread in listen_after_bind
};

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                        const Clock& clock,
                                                        HttpPageHandler handler) {
  auto impl = std::make_unique<Impl>(options, clock, std::move(handler));
  WEIR_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port(); }

std::string HttpServer::address() const {
  const std::string& host = impl_->options().host;
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", host, v6 ? "]:" : ":", impl_->port());
}

}  // namespace weir
