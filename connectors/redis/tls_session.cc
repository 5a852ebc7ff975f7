#include "connectors/redis/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {

namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

Status Failed(std::string_view what) {
  char text[256] = "";
  const unsigned long code = ERR_get_error();  // NOLINT: OpenSSL's type
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat("TLS: ", ToAbsl(what), code != 0 ? ": " : "", text));
}

}  // namespace

struct TlsSession::Parts {
  std::unique_ptr<SSL_CTX, ContextDeleter> context;
  std::unique_ptr<SSL, SslDeleter> ssl;
  BIO* in = nullptr;  // both belong to ssl
  BIO* out = nullptr;

  Status Trust(const std::string& ca_file) {
    SSL_CTX* c = context.get();
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    const int ok = ca_file.empty() ? SSL_CTX_set_default_verify_paths(c)
                                   : SSL_CTX_load_verify_locations(c, ca_file.c_str(), nullptr);
    return ok == 1 ? absl::OkStatus() : Failed(absl::StrCat("cannot read '", ca_file, "'"));
  }

  Status Expect(const std::string& host) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1) return absl::OkStatus();
    ERR_clear_error();  // not an address
    const bool ok = SSL_set1_host(ssl.get(), host.c_str()) == 1 &&
                    SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;  // NOLINT: a macro
    return ok ? absl::OkStatus() : Failed("cannot expect this host");
  }
};

TlsSession::TlsSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsSession::~TlsSession() = default;

StatusOr<std::unique_ptr<TlsSession>> TlsSession::Create(const std::string& host,
                                                         const std::string& ca_file) {
  auto parts = std::make_unique<Parts>();
  parts->context.reset(SSL_CTX_new(TLS_client_method()));
  if (parts->context == nullptr) return Failed("no context");
  SSL_CTX_set_min_proto_version(parts->context.get(), TLS1_2_VERSION);
  WEIR_RETURN_IF_ERROR(parts->Trust(ca_file));
  parts->ssl.reset(SSL_new(parts->context.get()));
  parts->in = BIO_new(BIO_s_mem());
  parts->out = BIO_new(BIO_s_mem());
  SSL_set_bio(parts->ssl.get(), parts->in, parts->out);
  WEIR_RETURN_IF_ERROR(parts->Expect(host));
  SSL_set_connect_state(parts->ssl.get());
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(parts)));
}

Status TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(parts_->ssl.get());
  if (result == 1) return absl::OkStatus();
  const int error = SSL_get_error(parts_->ssl.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return absl::OkStatus();
  const long verified = SSL_get_verify_result(parts_->ssl.get());  // NOLINT: OpenSSL's type
  if (verified != X509_V_OK) return Failed(X509_verify_cert_error_string(verified));
  return Failed("the handshake failed");
}

bool TlsSession::established() const { return SSL_is_init_finished(parts_->ssl.get()) == 1; }

void TlsSession::Feed(std::string_view from_network) {
  BIO_write(parts_->in, from_network.data(), static_cast<int>(from_network.size()));
}

void TlsSession::TakeOutput(std::string* to_network) {
  char buffer[16 * 1024];
  for (int n = BIO_read(parts_->out, buffer, sizeof(buffer)); n > 0;
       n = BIO_read(parts_->out, buffer, sizeof(buffer))) {
    to_network->append(buffer, static_cast<size_t>(n));
  }
}

Status TlsSession::Encrypt(std::string_view plain) {
  if (plain.empty()) return absl::OkStatus();
  ERR_clear_error();
  const int n = SSL_write(parts_->ssl.get(), plain.data(), static_cast<int>(plain.size()));
  return n == static_cast<int>(plain.size()) ? absl::OkStatus() : Failed("cannot write");
}

Status TlsSession::Decrypt(std::string* plain) {
  char buffer[16 * 1024];
  for (;;) {
    ERR_clear_error();
    const int n = SSL_read(parts_->ssl.get(), buffer, sizeof(buffer));
    if (n > 0) {
      plain->append(buffer, static_cast<size_t>(n));
      continue;
    }
    const int error = SSL_get_error(parts_->ssl.get(), n);
    if (error == SSL_ERROR_WANT_READ) return absl::OkStatus();
    return Failed(error == SSL_ERROR_ZERO_RETURN ? "the peer has closed" : "cannot read");
  }
}

}  // namespace weir
