// The time of one TTL domain as the task last told it.
#pragma once

#include <cstdint>

#include "engine/model/record_batch.h"

namespace weir {

// The stamp of an access before the domain had a time (no watermark yet). It counts as an access at
// the first time that becomes known, so that such an entry expires like any other.
inline constexpr int64_t kBeforeTime = kNoTimestamp + 1;

class TtlClock {
 public:
  void Set(int64_t now) {
    now_ = now;
    if (first_ == kNoTimestamp) first_ = now;
  }
  bool known() const { return now_ != kNoTimestamp; }
  int64_t StampNow() const { return known() ? now_ : kBeforeTime; }
  // kNoTimestamp: never accessed since TTL was enabled.
  int64_t AccessOf(int64_t stamp) const { return stamp == kBeforeTime ? first_ : stamp; }

  // What a checkpoint says of a stamp. One from before the first time stays such: after a restore
  // it counts as an access at the time the restored job begins with.
  int64_t Written(int64_t stamp) const {
    const int64_t access = AccessOf(stamp);
    return access != kNoTimestamp ? access : stamp;
  }

  // Expired iff last access + ttl <= now (mission E-S2).
  bool Expired(int64_t stamp, int64_t ttl_ms) const {
    const int64_t access = AccessOf(stamp);
    if (access == kNoTimestamp || !known()) return false;
    int64_t end;
    return !__builtin_add_overflow(access, ttl_ms, &end) && end <= now_;
  }

 private:
  int64_t now_ = kNoTimestamp;
  int64_t first_ = kNoTimestamp;
};

}  // namespace weir
