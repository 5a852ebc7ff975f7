// Keys: canonical bytes, key groups, owners (DESIGN D7).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

inline constexpr uint16_t kNullKeyGroup = 0;            // all null keys go to one fixed group
inline constexpr uint16_t kBroadcastKeyGroup = 0xFFFF;  // state that every subtask holds alike
inline constexpr int kMaxMaxParallelism = 32768;
// The canonical bytes of a null key: not UTF-8, not 8 bytes long.
inline constexpr std::string_view kNullKeyBytes{"\xFF", 1};

// toPositive(murmur2(bytes)) mod max_parallelism: what Kafka's Java producer does with partitions.
// kNullKeyBytes give kNullKeyGroup.
uint16_t KeyGroupFor(std::string_view canonical_key, int max_parallelism);
// The subtask that owns a group: contiguous ranges, kg * p / max_p.
inline int OwnerOf(uint16_t key_group, int parallelism, int max_parallelism) {
  return static_cast<int>(int64_t{key_group} * parallelism / max_parallelism);
}
struct KeyGroupRange {
  uint16_t begin = 0, end = 0;  // [begin, end)
  bool Contains(uint16_t kg) const { return kg >= begin && kg < end; }
};
KeyGroupRange RangeOf(int subtask, int parallelism, int max_parallelism);

// Canonical key bytes of rows: one string = its UTF-8; one int64 or timestamp = 8 bytes big endian;
// bool = 1 byte; several fields = per field a 4-byte big-endian length and the bytes, length
// 0xFFFFFFFF for null. A key whose fields are all null is kNullKeyBytes, so that its group follows
// from its bytes. Bytes (one byte 0xFF would be the null key), doubles, lists, maps, structs and
// json are refused as keys: kPlanKey.
class KeySelector {
 public:
  KeySelector() = default;  // selects nothing
  static StatusOr<KeySelector> Create(const Schema& schema, const std::vector<std::string>& fields);

  const std::vector<int>& columns() const { return columns_; }
  // Fills keys[i] for every row; views live until the batch changes or the next call.
  void Select(const RecordBatch& batch, std::vector<std::string_view>* keys);
  // True if row i's key is null: every one of its fields is.
  bool IsNull(const RecordBatch& batch, size_t i) const;
  // Fills the batch's key_group and key_hash.
  void Assign(RecordBatch* batch, int max_parallelism);

 private:
  void SelectIntegers(const Column& column, std::vector<std::string_view>* keys);
  void SelectComposite(const RecordBatch& batch, std::vector<std::string_view>* keys);

  std::vector<int> columns_;
  std::string scratch_;       // key bytes that are no view into the batch
  std::vector<size_t> ends_;  // of each row's key in scratch_
  std::vector<std::string_view> keys_;
};

}  // namespace weir
