// Requests that the fail-safe has answered: a valid reply that still comes may make a rule for what
// follows, never a second decision. Kept in memory only: no reply survives a restart.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "agent/rule.h"
#include "agent/string_map.h"
#include "engine/model/record_batch.h"

namespace weir {

class LateReplies {
 public:
  struct Entry {
    std::string request_id;
    std::string signature;
    std::string row;  // the event, encoded
    uint16_t group = 0;
    uint64_t key_hash = 0;
    int64_t seq = 0;
    RuleOrigin newest;  // of the signature's events that have been answered so far
  };

  explicit LateReplies(size_t max) : max_(max) {}

  bool empty() const { return entries_.empty(); }
  // Forgets the oldest one at the bound, and an earlier one of the same signature.
  void Remember(Entry entry);
  // An event of the signature was answered: a late rule must begin behind it.
  void NoteAnswered(std::string_view signature, const RecordBatch& batch, size_t row);
  // nullptr if the request is not remembered.
  const Entry* Find(const std::string& request_id) const;
  std::optional<Entry> Take(const std::string& request_id);

 private:
  size_t max_;
  std::deque<std::string> order_;  // signatures
  StringMap<Entry> entries_;       // by signature
  StringMap<std::string> by_id_;   // request id -> signature
};

}  // namespace weir
