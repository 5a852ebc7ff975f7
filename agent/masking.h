// What leaves the engine for the agent (DESIGN D17): default-deny, per field, bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

enum class MaskMode : uint8_t {
  kDrop,  // also every field that is not listed
  kKeep,
  kHmac,  // a token that is the same for the same value of the same field
};

// Builds the context of a request from one row:
//   {"event":{...},"signature":{...},"novelty":{...},"event_time":1490620016000}
// A field that is not kept appears nowhere, the signature included. Above the bound, event fields
// go first, the longest text first (of equal ones the later field); then novelty fields in the same
// way; then the signature. "trimmed" says how many went.
class Masking {
 public:
  struct Config {
    std::vector<std::pair<std::string, std::string>> modes;  // field -> keep | drop | hmac
    std::vector<std::string> signature;
    std::vector<int> novelty;  // columns that the novelty test reads
    std::string secret;        // of the tokens
    size_t max_bytes = 16 * 1024;
  };
  // kPlanSchema for an unknown field, kConfigBadValue for an unknown mode.
  static StatusOr<Masking> Create(const Schema& schema, const Config& config);
  static StatusOr<MaskMode> ParseMode(std::string_view text);

  // JSON, at most max_bytes.
  std::string Context(const RecordBatch& batch, size_t row) const;
  // The signature as text, masked in the same way: `src_ip="1.2.3.4"`; a dropped value is `?`.
  std::string SignatureText(const RecordBatch& batch, size_t row) const;
  // Fields of the novelty test that the agent gets to see.
  bool HasNovelty() const { return !novelty_.empty(); }

 private:
  struct Part {
    std::string name;  // as JSON
    std::string text;  // "" = trimmed
  };
  struct Item {
    std::string name;
    int column;
    MaskMode mode;
  };
  std::string MaskedJson(const Item& item, const RecordBatch& batch, size_t row) const;
  std::vector<Part> Parts(const std::vector<Item>& items, const RecordBatch& batch,
                          size_t row) const;
  static size_t TrimLongest(std::vector<Part>* parts);

  std::vector<Item> event_, signature_, novelty_;
  std::string secret_;
  size_t max_bytes_ = 0;
};

}  // namespace weir
