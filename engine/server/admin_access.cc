#include "engine/server/admin_access.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/admin_errors.h"
#include "engine/base/hash.h"

namespace weir {
namespace {

constexpr size_t kMinTokenBytes = 16;

bool IsDottedQuadOfLoopback(std::string_view host) {
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
}

}  // namespace

bool IsLoopback(std::string_view listen) {
  const size_t colon = listen.rfind(':');
  const std::string_view host = listen.substr(0, colon);
  return host == "localhost" || host == "[::1]" || IsDottedQuadOfLoopback(host);
}

StatusOr<std::string> ReadAdminToken(const AdminSettings& settings, const Env& env) {
  if (settings.listen.empty()) return std::string();
  if (settings.token_file.empty()) {
    if (IsLoopback(settings.listen)) return std::string();
    return Err(AdminError::kAdminToken,
               absl::StrCat("admin.listen ", settings.listen,
                            " can be reached from other machines, and no token is set"),
               "set admin.token_file, or listen on 127.0.0.1");
  }
  const StatusOr<std::string> text = env.fs->ReadFile(settings.token_file);
  if (!text.ok()) {
    return Err(AdminError::kAdminToken, absl::StrCat("admin.token_file ", settings.token_file,
                                                     " cannot be read: ", text.status().message()));
  }
  std::string token(absl::StripAsciiWhitespace(*text));
  if (token.size() >= kMinTokenBytes) return token;
  return Err(AdminError::kAdminToken,
             absl::StrCat("admin.token_file ", settings.token_file, " holds ", token.size(),
                          " characters, at least ", kMinTokenBytes, " are needed"),
             "for example: openssl rand -hex 32 > token; chmod 600 token");
}

bool SameSecret(std::string_view a, std::string_view b) {
  // Hashes are of one length whatever the secrets are.
  const std::string x = Sha256(a), y = Sha256(b);
  unsigned char difference = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    difference |= static_cast<unsigned char>(x[i] ^ y[i]);
  }
  return difference == 0;
}

std::string AdminAddressFile(const std::string& checkpoints, const std::string& job) {
  return JoinPath(JoinPath(checkpoints, job), "admin.addr");
}

}  // namespace weir
