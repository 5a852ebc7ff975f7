// TLS as a transformation of bytes (OpenSSL over memory BIOs): who owns it moves them over a
// socket. So no write to a closed socket can raise SIGPIPE inside of OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/status.h"

namespace weir {

class TlsSession {
 public:
  // A client's side. The peer must have a certificate for `host` (a name or an address), signed by
  // `ca_file` or, if that is "", by whom the system trusts. TLS 1.2 at least.
  static StatusOr<std::unique_ptr<TlsSession>> Create(const std::string& host,
                                                      const std::string& ca_file);
  ~TlsSession();

  // Goes on as far as the bytes fed so far allow.
  Status Handshake();
  bool established() const;
  void Feed(std::string_view from_network);
  // Appends what is to be sent over the network.
  void TakeOutput(std::string* to_network);
  // Only once established.
  Status Encrypt(std::string_view plain);
  // Appends what can be read.
  Status Decrypt(std::string* plain);

 private:
  struct Parts;
  explicit TlsSession(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace weir
