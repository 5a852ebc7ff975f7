#include "engine/runtime/timer_queue.h"

#include <algorithm>
#include <limits>

namespace weir {

Status TimerQueue::Open(StateOpener* opener, int64_t watermark) {
  fired_to_[0] = watermark;
  WEIR_RETURN_IF_ERROR(late_.Open(opener, "_timers.late"));
  const char* names[2] = {"_timers.event", "_timers.processing"};
  for (int d = 0; d < 2; ++d) {
    WEIR_RETURN_IF_ERROR(stored_[d].Open(opener, names[d]));
    stored_[d].table()->ScanAll(
        [&](uint16_t group, std::string_view key, std::string_view sub, const void*) {
          int64_t at_ms;
          DecodeMapKey(sub.substr(0, 8), &at_ms);
          index_[d].emplace(at_ms, group, std::string(key), std::string(sub.substr(8)));
          return true;
        });
  }
  return absl::OkStatus();
}

std::string TimerQueue::SubKey(int64_t at_ms, std::string_view space) {
  std::string sub = EncodeMapKey(at_ms);
  sub.append(space);
  return sub;
}

void TimerQueue::Register(TimeDomain domain, const KeyRef& key, std::string_view space,
                          int64_t at_ms) {
  const int d = IndexOf(domain);
  if (!index_[d].emplace(at_ms, key.group, std::string(key.bytes), std::string(space)).second) {
    return;
  }
  const uint32_t late = at_ms <= fired_to_[d] ? ++late_.Mutable(key) : 0;
  stored_[d].Mutable(key, std::string_view(SubKey(at_ms, space))) = late + 1;
}

void TimerQueue::Delete(TimeDomain domain, const KeyRef& key, std::string_view space,
                        int64_t at_ms) {
  const int d = IndexOf(domain);
  if (index_[d].erase({at_ms, key.group, std::string(key.bytes), std::string(space)}) == 0) return;
  stored_[d].Remove(key, std::string_view(SubKey(at_ms, space)));
}

bool TimerQueue::PopDue(TimeDomain domain, int64_t now_ms, Timer* timer) {
  const int d = IndexOf(domain);
  if (index_[d].empty() || std::get<0>(*index_[d].begin()) > now_ms) {
    fired_to_[d] = std::max(fired_to_[d], now_ms);
    return false;
  }
  auto node = index_[d].extract(index_[d].begin());
  auto& [at_ms, group, key, space] = node.value();
  *timer = Timer{domain, at_ms, group, std::move(key), std::move(space)};
  fired_to_[d] = std::max(fired_to_[d], at_ms);
  const std::string sub = SubKey(timer->at_ms, timer->space);
  const uint32_t* stored = stored_[d].Get(timer->key_ref(), std::string_view(sub));
  if (stored != nullptr) timer->late = *stored - 1;
  stored_[d].Remove(timer->key_ref(), std::string_view(sub));
  return true;
}

int64_t TimerQueue::NextProcessingMs() const {
  return index_[1].empty() ? std::numeric_limits<int64_t>::max() : std::get<0>(*index_[1].begin());
}

}  // namespace weir
