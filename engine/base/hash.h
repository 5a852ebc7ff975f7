// Hash functions, each with the one use that DESIGN gives it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

// Kafka's Java default partitioner (org.apache.kafka.common.utils.Utils.murmur2): key groups, D7.
int32_t Murmur2(std::string_view data);
// XXH3, 64 bit: hash tables and trace hashes.
uint64_t HashBytes(std::string_view data, uint64_t seed = 0);
// Castagnoli: checksums of files and records.
uint32_t Crc32c(std::string_view data, uint32_t initial = 0);
// 32 raw bytes: content addresses.
std::string Sha256(std::string_view data);
// 32 raw bytes: request ids, D15.
std::string HmacSha256(std::string_view key, std::string_view data);
std::string HexEncode(std::string_view bytes);

namespace internal {
// The path of Crc32c for processors without the instruction; visible for its test.
uint32_t Crc32cTable(std::string_view data, uint32_t initial);
}  // namespace internal

}  // namespace weir
