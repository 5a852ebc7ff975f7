// Field names to field numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/model/types.h"

namespace weir {

// Finds the fields of one record or struct type. Most streams name their fields in one order, so
// what stood at a position in the record before is tried first; that costs one comparison.
class FieldNames {
 public:
  static constexpr int kUnknown = -1;

  // Keeps views of the names: `fields` must outlive it.
  explicit FieldNames(const std::vector<Field>& fields);

  // True if the name at `position`, as written, is the one that stood there before.
  bool Guess(size_t position, std::string_view raw, int* field) const {
    if (position >= guesses_.size() || guesses_[position].name != raw || raw.empty()) return false;
    *field = guesses_[position].field;
    return true;
  }
  // The number of the field, or kUnknown. Learns the name at `position` if it was written as it is,
  // without escapes: what Guess knows needs no check of its text.
  int Find(size_t position, std::string_view name, bool has_escapes);

 private:
  struct Entry {
    std::string name;
    int field = kUnknown;
  };
  absl::flat_hash_map<std::string_view, int> by_name_;
  std::vector<Entry> guesses_;  // by position; bounded
};

}  // namespace weir
