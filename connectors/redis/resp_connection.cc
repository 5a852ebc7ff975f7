#include "connectors/redis/resp_connection.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weir {

namespace {

Status SystemError(std::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(ToAbsl(what), ": ", strerror(error)));
}

struct AddressDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

std::string RespCommand(const std::vector<std::string_view>& arguments) {
  std::vector<const char*> data;
  std::vector<size_t> sizes;
  for (const std::string_view argument : arguments) {
    data.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* bytes = nullptr;
  const int size =
      redisFormatCommandArgv(&bytes, static_cast<int>(data.size()), data.data(), sizes.data());
  WEIR_CHECK(size > 0, "hiredis formats every list of arguments");
  std::string out(bytes, static_cast<size_t>(size));
  redisFreeCommand(bytes);
  return out;
}

void RespConnection::ReaderDeleter::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

RespConnection::RespConnection() : reader_(redisReaderCreate()) {}
RespConnection::~RespConnection() {
  if (fd_ >= 0) close(fd_);
}

StatusOr<std::unique_ptr<RespConnection>> RespConnection::Open(const RedisEndpoint& endpoint,
                                                               uint64_t attempt) {
  std::unique_ptr<RespConnection> connection(new RespConnection());
  if (connection->reader_ == nullptr) return absl::UnavailableError("no memory for a reader");
  if (endpoint.tls) {
    WEIR_ASSIGN_OR_RETURN(connection->tls_, TlsSession::Create(endpoint.host, endpoint.ca_file));
  }
  WEIR_RETURN_IF_ERROR(connection->Connect(endpoint, attempt));
  return connection;
}

Status RespConnection::Connect(const RedisEndpoint& endpoint, uint64_t attempt) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(endpoint.host.c_str(), absl::StrCat(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) return absl::UnavailableError(gai_strerror(failed));
  const std::unique_ptr<addrinfo, AddressDeleter> addresses(found);
  std::vector<const addrinfo*> order;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) order.push_back(a);
  std::rotate(order.begin(), order.begin() + static_cast<int64_t>(attempt % order.size()),
              order.end());
  int error = 0;
  for (const addrinfo* a : order) {
    fd_ = ::socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd_ < 0) {
      error = errno;
      continue;
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // A refusal that is only known later ends this connection; the next try begins anew.
    if (::connect(fd_, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) {
      return absl::OkStatus();
    }
    error = errno;
    close(fd_);
    fd_ = -1;
  }
  return SystemError("cannot connect", error);
}

Status RespConnection::FinishConnect() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return SystemError("cannot connect", error);
  connected_ = true;
  return tls_ == nullptr ? absl::OkStatus() : tls_->Handshake();
}

Status RespConnection::Write(std::string_view bytes) {
  if (tls_ == nullptr) {
    out_.append(bytes);
  } else {
    WEIR_RETURN_IF_ERROR(tls_->Encrypt(bytes));
  }
  return absl::OkStatus();
}

Status RespConnection::OnReady(bool readable, bool writable) {
  if (!connected_) {
    if (!readable && !writable) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(FinishConnect());
  }
  if (readable) WEIR_RETURN_IF_ERROR(Receive());
  return Flush();
}

Status RespConnection::Receive() {
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n > 0) {
      WEIR_RETURN_IF_ERROR(Arrived({buffer, static_cast<size_t>(n)}));
      if (n == static_cast<ssize_t>(sizeof(buffer))) continue;
      return absl::OkStatus();
    }
    if (n == 0) return absl::UnavailableError("the server has closed the connection");
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return absl::OkStatus();
    return SystemError("cannot read", errno);
  }
}

Status RespConnection::Arrived(std::string_view bytes) {
  std::string plain;
  if (tls_ != nullptr) {
    tls_->Feed(bytes);
    if (!tls_->established()) WEIR_RETURN_IF_ERROR(tls_->Handshake());
    if (tls_->established()) WEIR_RETURN_IF_ERROR(tls_->Decrypt(&plain));
    bytes = plain;
  }
  unread_ += bytes.size();
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK) {
    return absl::OkStatus();
  }
  return absl::UnavailableError("the server does not speak RESP");
}

Status RespConnection::Flush() {
  if (tls_ != nullptr) tls_->TakeOutput(&out_);
  size_t done = 0;
  while (done < out_.size()) {
    const ssize_t n = send(fd_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
    if (n >= 0) {
      done += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      return SystemError("cannot write", errno);
    }
  }
  out_.erase(0, done);
  return absl::OkStatus();
}

StatusOr<std::optional<RespReply>> RespConnection::NextReply() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    return absl::UnavailableError("the server does not speak RESP");
  }
  if (raw == nullptr) {
    if (unread_ > kMaxReplyBytes) return absl::UnavailableError("a reply is too large");
    return std::optional<RespReply>();
  }
  unread_ = 0;
  auto* reply = static_cast<redisReply*>(raw);
  RespReply out;
  switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out = {RespReply::Kind::kText, std::string(reply->str, reply->len)};
      break;
    case REDIS_REPLY_ERROR:
      out = {RespReply::Kind::kError, std::string(reply->str, reply->len)};
      break;
    case REDIS_REPLY_NIL:
      out.kind = RespReply::Kind::kNil;
      break;
    case REDIS_REPLY_INTEGER:
      out.kind = RespReply::Kind::kInteger;
      break;
    default:
      break;
  }
  freeReplyObject(raw);
  return std::optional<RespReply>(std::move(out));
}

}  // namespace weir
