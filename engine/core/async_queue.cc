#include "engine/core/async_queue.h"

#include <algorithm>

#include "engine/base/status.h"

namespace weir {

void AsyncQueue::Add(int64_t sequence, uint64_t key_hash, int64_t watermark) {
  WEIR_CHECK(entries_.empty() || sequence > entries_.rbegin()->first,
             "sequences of an async queue ascend");
  entries_.emplace_hint(entries_.end(), sequence, Entry{key_hash, watermark});
  ++watermarks_[watermark];
  if (order_ == AsyncOrder::kKey) keys_[key_hash].push_back(sequence);
}

bool AsyncQueue::Complete(int64_t sequence) {
  const auto entry = entries_.find(sequence);
  if (entry == entries_.end() || entry->second.done) return false;
  entry->second.done = true;
  switch (order_) {
    case AsyncOrder::kNone:
      MakeReady(entry);
      break;
    case AsyncOrder::kKey:
      TakeHeads(entry->second.key_hash);
      break;
    case AsyncOrder::kGlobal:
      while (!entries_.empty() && entries_.begin()->second.done) MakeReady(entries_.begin());
      break;
  }
  return true;
}

void AsyncQueue::TakeHeads(uint64_t key_hash) {
  const auto key = keys_.find(key_hash);
  std::deque<int64_t>& line = key->second;
  while (!line.empty()) {
    const auto head = entries_.find(line.front());
    if (!head->second.done) return;
    line.pop_front();
    MakeReady(head);
  }
  keys_.erase(key);
}

void AsyncQueue::MakeReady(Entries::iterator entry) {
  ready_.push_back({entry->first, entry->second.watermark});
  entries_.erase(entry);
}

void AsyncQueue::TakeReady(std::vector<int64_t>* out) {
  out->clear();
  for (const Ready& ready : ready_) {
    out->push_back(ready.sequence);
    const auto watermark = watermarks_.find(ready.watermark);
    if (--watermark->second == 0) watermarks_.erase(watermark);
  }
  ready_.clear();
}

bool AsyncQueue::MustQueue(uint64_t key_hash) const {
  switch (order_) {
    case AsyncOrder::kGlobal:
      return !entries_.empty() || !ready_.empty();
    case AsyncOrder::kKey:
      return !ready_.empty() || keys_.count(key_hash) != 0;
    case AsyncOrder::kNone:
      break;
  }
  return false;
}

int64_t AsyncQueue::OutputWatermark(int64_t input_watermark) const {
  return watermarks_.empty() ? input_watermark
                             : std::min(input_watermark, watermarks_.begin()->first);
}

}  // namespace weir
