#include "engine/base/fail_point.h"

#include <csignal>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

class KillPoints : public FailPoints {
 public:
  KillPoints(std::string point, int64_t hit) : point_(std::move(point)), hits_left_(hit) {}

  void Hit(std::string_view point) override {
    if (point != point_) return;
    // SIGKILL and not exit(): no destructor, no flush, as in a real crash.
    if (hits_left_.fetch_sub(1, std::memory_order_relaxed) == 1) std::raise(SIGKILL);
  }
  bool Bug(std::string_view) const override { return false; }

 private:
  const std::string point_;
  std::atomic<int64_t> hits_left_;
};

}  // namespace

StatusOr<std::unique_ptr<FailPoints>> NewKillPoints(std::string_view spec) {
  const size_t colon = spec.rfind(':');
  const std::string_view point = spec.substr(0, colon);
  int64_t hit = 1;
  const bool has_hit = colon != std::string_view::npos;
  const bool hit_ok = !has_hit || absl::SimpleAtoi(ToAbsl(spec.substr(colon + 1)), &hit);
  if (point.empty() || !hit_ok || hit < 1) {
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("WEIR_KILL_AT: '", ToAbsl(spec),
                                                        "' is not \"point\" or \"point:hit\""));
  }
  return std::unique_ptr<FailPoints>(std::make_unique<KillPoints>(std::string(point), hit));
}

}  // namespace weir
