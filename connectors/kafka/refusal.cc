#include "connectors/kafka/refusal.h"

#include <initializer_list>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace weir::kafka {
namespace {

// From this version on the nonce of SCRAM's last message is right (#4895).
constexpr int kGoodScram = 0x02060100;

bool IsAboutTls(const std::string& reason) {
  // With TLS 1.3 a broker refuses a client's certificate only after the handshake.
  return reason.find("SSL handshake failed") != std::string::npos ||
         reason.find("SSL alert number") != std::string::npos;
}

// What the URL says under these names: "ca=/etc/ca.pem, cert=...".
std::string Written(const Settings& settings, std::initializer_list<std::string_view> names) {
  std::string found;
  for (const std::string& written : settings.written) {
    for (const std::string_view name : names) {
      if (!written.starts_with(name) || written[name.size()] != '=') continue;
      absl::StrAppend(&found, found.empty() ? "" : ", ", written);
    }
  }
  return found;
}

std::string TlsHint(const Settings& settings) {
  const std::string written = Written(
      settings, {"ca", "cert", "key", "key_password_env", "key_password_file", "hostname_check"});
  if (!written.empty()) return absl::StrCat("check ", written, " in the log's URL");
  return "name the file of the brokers' CA with ca=PATH in the log's URL";
}

std::string SaslHint(const Settings& settings) {
  const std::string written =
      Written(settings, {"mechanism", "user", "user_env", "password_env", "password_file"});
  std::string hint = written.empty() ? "name mechanism, user and password_env or password_file"
                                     : absl::StrCat("check ", written);
  absl::StrAppend(&hint, " in the log's URL");
  if (written.find("mechanism=SCRAM") != std::string::npos && rd_kafka_version() < kGoodScram) {
    absl::StrAppend(&hint, "; brokers from Kafka 4 on refuse the SCRAM of librdkafka ",
                    rd_kafka_version_str(), ": there, take mechanism=PLAIN or cert and key");
  }
  return hint;
}

}  // namespace

bool IsRefusal(rd_kafka_resp_err_t code, const std::string& reason) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR__SSL:
      return true;
    default:
      return IsAboutTls(reason);
  }
}

Status RefusalError(const Settings& settings, rd_kafka_resp_err_t code, const std::string& reason) {
  const bool tls = code == RD_KAFKA_RESP_ERR__SSL || IsAboutTls(reason);
  // How long it took and in which state adds nothing.
  const std::string what = reason.substr(0, reason.rfind(" (after "));
  return Err(
      ErrorCode::kConfigBadValue,
      absl::StrCat("log: ", tls ? "no TLS with the broker: " : "the broker refuses us: ", what),
      tls ? TlsHint(settings) : SaslHint(settings));
}

}  // namespace weir::kafka
