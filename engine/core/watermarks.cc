#include "engine/core/watermarks.h"

#include <algorithm>

namespace weir {
namespace {

// b >= 0.
int64_t AddClamped(int64_t a, int64_t b) { return a > INT64_MAX - b ? INT64_MAX : a + b; }

}  // namespace

BoundedOutOfOrderness::BoundedOutOfOrderness(int64_t bound_ms, int64_t restored)
    : bound_(std::clamp<int64_t>(bound_ms, 0, INT64_MAX - 1)) {
  // For kNoTimestamp this is the lowest value whose watermark does not wrap round (E-M1).
  max_ = AddClamped(restored, bound_ + 1);
}

bool IdlenessTimer::Check(int64_t mono_ms) {
  if (timeout_ms_ <= 0) return false;
  const int64_t now = paused_ms_ == kNone ? mono_ms : paused_ms_;
  if (active_) {
    active_ = false;
    start_ms_ = kNone;
    return false;
  }
  if (start_ms_ == kNone) {
    start_ms_ = now;
    return false;
  }
  return now - start_ms_ > timeout_ms_;
}

void IdlenessTimer::Pause(int64_t mono_ms) {
  if (paused_ms_ == kNone) paused_ms_ = mono_ms;
}

void IdlenessTimer::Resume(int64_t mono_ms) {
  if (paused_ms_ == kNone) return;
  if (start_ms_ != kNone) start_ms_ += mono_ms - paused_ms_;
  paused_ms_ = kNone;
}

int SplitWatermarks::Add(int64_t watermark) {
  splits_.push_back({watermark, false});
  ++active_;
  drain_from_ = kNoTimestamp;
  return static_cast<int>(splits_.size()) - 1;
}

void SplitWatermarks::Update(int split, int64_t watermark) {
  splits_[split].watermark = std::max(splits_[split].watermark, watermark);
}

void SplitWatermarks::SetIdle(int split, bool idle) {
  if (splits_[split].idle == idle) return;
  splits_[split].idle = idle;
  active_ += idle ? -1 : 1;
  if (!idle) drain_from_ = kNoTimestamp;
}

int64_t SplitWatermarks::MinOfOthers(int split) const {
  int64_t min = kMaxTimestamp;
  for (int i = 0; i < static_cast<int>(splits_.size()); ++i) {
    if (i != split && !splits_[i].idle) min = std::min(min, splits_[i].watermark);
  }
  return min;
}

bool SplitWatermarks::Refresh(int64_t mono_ms) {
  if (last_activity_ms_ == kNever) last_activity_ms_ = mono_ms;
  int64_t next = output_;
  if (active_ > 0) {
    next = MinOfOthers(-1);
  } else if (policy_ == AllIdlePolicy::kDrain) {
    next = Drained(mono_ms);
  }
  if (next <= output_) return false;
  output_ = next;
  return true;
}

int64_t SplitWatermarks::Drained(int64_t mono_ms) {
  if (drain_from_ == kNoTimestamp) {
    drain_from_ = output_;
    for (const Split& s : splits_) drain_from_ = std::max(drain_from_, s.watermark);
  }
  // Without any event time so far there is nothing to go on from.
  if (drain_from_ == kNoTimestamp) return kNoTimestamp;
  return AddClamped(drain_from_, std::max<int64_t>(0, mono_ms - last_activity_ms_));
}

}  // namespace weir
