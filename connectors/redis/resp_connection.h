// One connection to a RESP server: a socket that never blocks, TLS if it is asked for, and hiredis'
// reader over what arrives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/redis/redis_url.h"
#include "connectors/redis/tls_session.h"
#include "engine/base/status.h"

struct redisReader;

namespace weir {

struct RespReply {
  enum class Kind { kText, kNil, kInteger, kError, kOther };
  Kind kind = Kind::kOther;
  std::string text;  // of kText and kError
};

// A command as RESP bytes (hiredis' formatter).
std::string RespCommand(const std::vector<std::string_view>& arguments);

// Used by one thread. After an error it is of no use any more. Errors are plain statuses: nobody
// but the memo's counters sees them.
class RespConnection {
 public:
  static constexpr size_t kMaxReplyBytes = 8 << 20;

  // Begins to connect. Resolving the host's name may block. Of several addresses, another one comes
  // first with every `attempt`.
  static StatusOr<std::unique_ptr<RespConnection>> Open(const RedisEndpoint& endpoint,
                                                        uint64_t attempt);
  ~RespConnection();
  RespConnection(const RespConnection&) = delete;
  RespConnection& operator=(const RespConnection&) = delete;

  int fd() const { return fd_; }
  bool WantsWrite() const { return !connected_ || !out_.empty(); }
  // Commands can be sent; before, they must be kept.
  bool ready() const { return connected_ && (tls_ == nullptr || tls_->established()); }

  // Only when ready. Sent as far as the socket takes it, the rest by OnReady.
  Status Write(std::string_view bytes);
  // The socket can be read or written: goes on with whatever is under way.
  Status OnReady(bool readable, bool writable);
  // The next whole reply; nullopt = not there yet.
  StatusOr<std::optional<RespReply>> NextReply();

 private:
  RespConnection();
  Status Connect(const RedisEndpoint& endpoint, uint64_t attempt);
  Status FinishConnect();
  Status Receive();
  Status Arrived(std::string_view bytes);
  Status Flush();

  int fd_ = -1;
  bool connected_ = false;
  std::unique_ptr<TlsSession> tls_;
  std::string out_;
  size_t unread_ = 0;  // bytes since the last whole reply
  struct ReaderDeleter {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
};

}  // namespace weir
