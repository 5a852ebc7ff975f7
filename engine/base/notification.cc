#include "engine/base/notification.h"

#include <chrono>

namespace weir {

// Not in the header: only this folder refers to clocks (D3).
bool Notification::WaitForMs(int64_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  return condition_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return done_; });
}

}  // namespace weir
