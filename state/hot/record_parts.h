// Encoded state records in parts of bounded size: appending never moves more than one part, so a
// slice stays short however much is serialised.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/state_backend.h"

namespace weir {

class RecordParts {
 public:
  struct Part {
    std::string bytes;
    int64_t records = 0;
  };

  void Append(const StateRecord& record) {
    if (parts_.empty() || parts_.back().bytes.size() >= kPartBytes) {
      if (!parts_.empty()) full_bytes_ += parts_.back().bytes.size();
      parts_.emplace_back();
    }
    AppendStateRecord(record, &parts_.back().bytes);
    ++parts_.back().records;
  }
  size_t bytes() const { return full_bytes_ + (parts_.empty() ? 0 : parts_.back().bytes.size()); }
  std::vector<Part> Take() {
    full_bytes_ = 0;
    return std::exchange(parts_, {});
  }

 private:
  static constexpr size_t kPartBytes = size_t{512} * 1024;
  std::vector<Part> parts_;
  size_t full_bytes_ = 0;  // of all parts but the last
};

}  // namespace weir
