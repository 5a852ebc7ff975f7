// The simulator's fail points: counts them, crashes at a chosen one, holds the planted bugs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/fail_point.h"

namespace weir {

class SimFailPoints : public FailPoints {
 public:
  // `on_crash` runs inside of Hit; code after the point goes on to run, so it must cut the process
  // off from whatever outlives it.
  explicit SimFailPoints(std::function<void()> on_crash) : on_crash_(std::move(on_crash)) {}

  // Crash at the k-th hit from now on, of any point or of one. 1 is the next.
  void CrashAtHit(uint64_t k);
  void CrashAt(std::string_view point, uint64_t k);
  void DoNotCrash() { countdown_ = 0; }
  void PlantBug(std::string_view id) { bugs_.emplace(id); }
  // Called with each point, for a trace.
  void SetObserver(std::function<void(std::string_view)> observer) {
    observer_ = std::move(observer);
  }

  // While paused no point is hit: what happens is not the process's doing.
  void Pause(bool paused) { paused_ = paused; }

  void Hit(std::string_view point) override;
  bool Bug(std::string_view id) const override { return bugs_.find(id) != bugs_.end(); }

  void CrashNow();
  bool crashed() const { return crashed_; }
  const std::string& crashed_at() const { return crashed_at_; }
  void Revive() { crashed_ = false; }
  // Hits of living processes since the beginning, crashes included.
  uint64_t total() const { return total_; }
  const std::map<std::string, uint64_t, std::less<>>& counts() const { return counts_; }
  // The points in the order of their hits; the first kMaxOrder only.
  const std::vector<std::string_view>& order() const { return order_; }
  static constexpr size_t kMaxOrder = 1 << 16;

 private:
  std::function<void()> on_crash_;
  std::function<void(std::string_view)> observer_;
  std::map<std::string, uint64_t, std::less<>> counts_;
  std::vector<std::string_view> order_;  // of the keys of counts_
  std::set<std::string, std::less<>> bugs_;
  uint64_t total_ = 0;
  uint64_t countdown_ = 0;       // crash when it falls to 0; 0 = off
  std::string countdown_point_;  // empty = any
  bool paused_ = false;
  bool crashed_ = false;
  std::string crashed_at_;
};

}  // namespace weir
