#include "engine/base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

#include <cstring>

#include "engine/base/status.h"

namespace weir {
namespace {

constexpr size_t kSha256Bytes = 32;

// Fetched once: OpenSSL 3 otherwise looks the algorithm up by name on every call.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  WEIR_CHECK(algorithm != nullptr, "OpenSSL offers no SHA-256");
  return algorithm;
}

}  // namespace

int32_t Murmur2(std::string_view data) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
  uint32_t h = 0x9747b28c ^ static_cast<uint32_t>(data.size());
  size_t left = data.size();
  for (; left >= 4; bytes += 4, left -= 4) {
    uint32_t k;
    std::memcpy(&k, bytes, 4);
    k *= kMultiplier;
    k ^= k >> 24;
    k *= kMultiplier;
    h *= kMultiplier;
    h ^= k;
  }
  if (left >= 3) h ^= static_cast<uint32_t>(bytes[2]) << 16;
  if (left >= 2) h ^= static_cast<uint32_t>(bytes[1]) << 8;
  if (left >= 1) {
    h ^= bytes[0];
    h *= kMultiplier;
  }
  h ^= h >> 13;
  h *= kMultiplier;
  h ^= h >> 15;
  return static_cast<int32_t>(h);
}

uint64_t HashBytes(std::string_view data, uint64_t seed) {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

std::string Sha256(std::string_view data) {
  std::string digest(kSha256Bytes, '\0');
  const int ok = EVP_Digest(data.data(), data.size(), reinterpret_cast<uint8_t*>(digest.data()),
                            nullptr, Sha256Algorithm(), nullptr);
  WEIR_CHECK(ok == 1, "SHA-256 failed");
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  std::string digest(kSha256Bytes, '\0');
  // A null key means "the key of the last call" to OpenSSL, so an empty one needs an address.
  const char* key_bytes = key.empty() ? "" : key.data();
  const uint8_t* result = HMAC(Sha256Algorithm(), key_bytes, static_cast<int>(key.size()),
                               reinterpret_cast<const uint8_t*>(data.data()), data.size(),
                               reinterpret_cast<uint8_t*>(digest.data()), nullptr);
  WEIR_CHECK(result != nullptr, "HMAC failed");
  return digest;
}

std::string HexEncode(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    hex.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return hex;
}

}  // namespace weir
