#include "engine/server/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace weir {
namespace {

// A client that can be as slow and as rude as a test wants.
class Client {
 public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit = {20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Send(const std::string& text) {
    for (size_t done = 0; done < text.size();) {
      const ssize_t n = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<size_t>(n);
    }
  }
  // All until the server closes.
  std::string Receive() {
    std::string all;
    char part[4096];
    for (;;) {
      const ssize_t n = ::recv(fd_, part, sizeof(part), 0);
      if (n <= 0) return all;
      all.append(part, static_cast<size_t>(n));
    }
  }

 private:
  int fd_;
};

std::string Status(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
std::string Body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

class HttpServerTest : public testing::Test {
 protected:
  void Start(const HttpServer::Options& options = {}) {
    auto made = HttpServer::Start(options, clock_, [](const std::string& path) -> HttpPage {
      if (path == "/big") return {200, std::string(2 << 20, 'x')};
      if (path == "/") return {200, "hello\n"};
      return {404, "not " + path + "\n"};
    });
    ASSERT_TRUE(made.ok()) << made.status();
    server_ = std::move(*made);
  }
  std::string Ask(const std::string& request) {
    Client client(server_->port());
    client.Send(request);
    return client.Receive();
  }
  std::string Get(const std::string& path) {
    return Ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  SystemClock clock_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, Answers) {
  Start();
  EXPECT_GT(server_->port(), 0);
  EXPECT_EQ(server_->address(), "127.0.0.1:" + std::to_string(server_->port()));
  const std::string answer = Get("/");
  EXPECT_EQ(Status(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(Body(answer), "hello\n");
  EXPECT_NE(answer.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
  EXPECT_EQ(Status(Get("/else")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(Body(Get("/big")).size(), size_t{2} << 20);
  EXPECT_EQ(Body(Get("/?a=b")), "hello\n");
}

TEST_F(HttpServerTest, OnlyGetAndHead) {
  Start();
  const std::string head = Ask("HEAD / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(Status(head), "HTTP/1.1 200 OK");
  EXPECT_EQ(Body(head), "");
  EXPECT_EQ(Status(Ask("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")),
            "HTTP/1.1 405 Method Not Allowed");
}

TEST_F(HttpServerTest, RefusesWhatIsTooLong) {
  Start();
  EXPECT_EQ(Status(Ask("GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n")),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(Status(Ask("GET /" + std::string(4000, 'x') + " HTTP/1.1\r\n\r\n")),
            "HTTP/1.1 414 URI Too Long");
  // Many short lines are no way around the bound.
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "A: b\r\n";
  EXPECT_EQ(Status(Ask("GET / HTTP/1.1\r\n" + lines + "\r\n")),
            "HTTP/1.1 431 Request Header Fields Too Large");
  // The library would match this with a regular expression that recurses for every character.
  std::string ranges = "bytes=0-";
  while (ranges.size() < 7000) ranges += ",0-";
  EXPECT_EQ(Body(Ask("GET / HTTP/1.1\r\nRange: " + ranges + "\r\n\r\n")), "hello\n");
  EXPECT_EQ(Body(Get("/")), "hello\n");
}

TEST_F(HttpServerTest, Garbage) {
  Start();
  for (const std::string& text :
       {std::string("\r\n\r\n"), std::string("\0\0\0\r\n\r\n", 7), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("GET http:// HTTP/1.1\r\n\r\n"),
        std::string("GET /%00%zz%2e%2e/ HTTP/1.1\r\n\r\n"), std::string("\x16\x03\x01\r\n\r\n")}) {
    const std::string answer = Ask(text);
    EXPECT_NE(Status(answer), "HTTP/1.1 200 OK") << text;
  }
  EXPECT_EQ(Body(Get("/")), "hello\n");
}

TEST_F(HttpServerTest, WhoSendsSlowlyIsCutOff) {
  HttpServer::Options options;
  options.head_ms = 100;
  Start(options);
  Client slow(server_->port());
  slow.Send("GET / HT");
  EXPECT_EQ(Status(slow.Receive()), "HTTP/1.1 408 Request Timeout");
}

TEST_F(HttpServerTest, SlowClientsHoldNobodyUpForLong) {
  HttpServer::Options options;
  options.threads = 2;
  options.head_ms = 1000;
  Start(options);
  const int64_t start = clock_.MonoNs();
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 12; ++i) {
    slow.push_back(std::make_unique<Client>(server_->port()));
    slow.back()->Send("GET");
  }
  // Their time runs from the connection on, not from when a thread takes them: 6 turns of two
  // threads would be 6 s.
  EXPECT_EQ(Body(Get("/")), "hello\n");
  EXPECT_LT(clock_.MonoNs() - start, 4'000'000'000);
}

TEST_F(HttpServerTest, TooManyConnections) {
  HttpServer::Options options;
  options.threads = 1;
  options.max_connections = 2;
  options.head_ms = 20'000;
  Start(options);
  Client first(server_->port()), second(server_->port());
  Client third(server_->port());
  EXPECT_EQ(Status(third.Receive()), "HTTP/1.1 503 Service Unavailable");
  first.Send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(Body(first.Receive()), "hello\n");
}

TEST_F(HttpServerTest, EndsAtOnceWithClientsConnected) {
  HttpServer::Options options;
  options.head_ms = options.answer_ms = 60'000;
  Start(options);
  Client silent(server_->port());
  Client does_not_read(server_->port());
  does_not_read.Send("GET /big HTTP/1.1\r\n\r\n");
  EXPECT_EQ(Body(Get("/")), "hello\n");
  const int64_t start = clock_.MonoNs();
  server_.reset();
  EXPECT_LT(clock_.MonoNs() - start, 3'000'000'000);
}

TEST_F(HttpServerTest, ATakenPortIsAnError) {
  Start();
  HttpServer::Options options;
  options.port = server_->port();
  const auto second = HttpServer::Start(options, clock_, nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(ErrorNumber(second.status()), static_cast<int>(ErrorCode::kConfigBadValue));
  options.host = "no.such.host.invalid";
  options.port = 0;
  EXPECT_FALSE(HttpServer::Start(options, clock_, nullptr).ok());
}

}  // namespace
}  // namespace weir
