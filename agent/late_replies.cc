#include "agent/late_replies.h"

#include <algorithm>

namespace weir {

void LateReplies::Remember(Entry entry) {
  if (const auto old = entries_.find(entry.signature); old != entries_.end()) {
    Take(old->second.request_id);
  }
  while (entries_.size() >= max_ && !order_.empty()) {
    const auto oldest = entries_.find(order_.front());
    if (oldest == entries_.end()) break;
    Take(oldest->second.request_id);
  }
  by_id_[entry.request_id] = entry.signature;
  order_.push_back(entry.signature);
  const std::string signature = entry.signature;
  entries_[signature] = std::move(entry);
}

void LateReplies::NoteAnswered(std::string_view signature, const RecordBatch& batch, size_t row) {
  const auto it = entries_.find(signature);
  if (it == entries_.end()) return;
  RuleOrigin& newest = it->second.newest;
  newest.origin = batch.origin[row];
  newest.event_time_ms = std::max(newest.event_time_ms, batch.event_time[row]);
}

const LateReplies::Entry* LateReplies::Find(const std::string& request_id) const {
  const auto id = by_id_.find(request_id);
  return id == by_id_.end() ? nullptr : &entries_.at(id->second);
}

std::optional<LateReplies::Entry> LateReplies::Take(const std::string& request_id) {
  const auto id = by_id_.find(request_id);
  if (id == by_id_.end()) return std::nullopt;
  const std::string signature = id->second;
  by_id_.erase(id);
  std::erase(order_, signature);
  Entry entry = std::move(entries_.at(signature));
  entries_.erase(signature);
  return entry;
}

}  // namespace weir
