#include "engine/base/sim_fail_points.h"

#include "engine/base/status.h"

namespace weir {

void SimFailPoints::CrashAtHit(uint64_t k) { CrashAt({}, k); }

void SimFailPoints::CrashAt(std::string_view point, uint64_t k) {
  WEIR_CHECK(k > 0, "hits count from 1");
  countdown_ = k;
  countdown_point_ = point;
}

void SimFailPoints::Hit(std::string_view point) {
  if (paused_) return;
  if (crashed_) return;  // a dead process hits nothing
  auto it = counts_.find(point);
  if (it == counts_.end()) it = counts_.emplace(point, 0).first;
  ++it->second;
  ++total_;
  if (order_.size() < kMaxOrder) order_.push_back(it->first);
  if (observer_ != nullptr) observer_(point);
  const bool counts = countdown_point_.empty() || countdown_point_ == point;
  if (countdown_ == 0 || !counts || --countdown_ != 0) return;
  crashed_at_ = point;
  CrashNow();
}

void SimFailPoints::CrashNow() {
  if (crashed_) return;
  crashed_ = true;
  countdown_ = 0;
  on_crash_();
}

}  // namespace weir
