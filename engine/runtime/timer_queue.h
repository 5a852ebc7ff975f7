// Timers of one keyed operator (mission section 8.2): ordered index in memory, content as state.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>

#include "engine/core/operator.h"
#include "engine/model/record_batch.h"

namespace weir {

// Task thread only. Order among timers of one time is by (key group, key, space): stable, so that a
// replay fires them alike (I-14).
class TimerQueue : public TimerService {
 public:
  // Loads what the checkpoint restored; `watermark` is the restored one.
  Status Open(StateOpener* opener, int64_t watermark);
  void Register(TimeDomain domain, const KeyRef& key, std::string_view space,
                int64_t at_ms) override;
  void Delete(TimeDomain domain, const KeyRef& key, std::string_view space, int64_t at_ms) override;

  // Takes the earliest timer with time <= now_ms; false when there is none. Timers registered by a
  // callback with a time <= now_ms are found by the same loop (E-T4, E-T7).
  bool PopDue(TimeDomain domain, int64_t now_ms, Timer* timer);
  // Earliest processing-time timer, INT64_MAX when none.
  int64_t NextProcessingMs() const;
  size_t size() const { return index_[0].size() + index_[1].size(); }

 private:
  using Entry = std::tuple<int64_t, uint16_t, std::string, std::string>;  // at, group, key, space
  static std::string SubKey(int64_t at_ms, std::string_view space);
  static int IndexOf(TimeDomain d) { return d == TimeDomain::kEventTime ? 0 : 1; }

  MapState<std::string_view, uint32_t> stored_[2];  // 1 + Timer::late
  ValueState<uint32_t> late_;                       // by key: late timers so far
  int64_t fired_to_[2] = {kNoTimestamp, kNoTimestamp};
  std::set<Entry> index_[2];
};

}  // namespace weir
