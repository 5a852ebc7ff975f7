// Lets one thread wait until another says that something has happened.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace weir {

// Notified at most once; all methods are thread-safe.
class Notification {
 public:
  void Notify() {
    std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
    condition_.notify_all();
  }
  bool HasBeenNotified() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return done_;
  }
  // True once notified; false after `timeout_ms` without.
  bool WaitForMs(int64_t timeout_ms);

 private:
  mutable std::mutex mutex_;
  std::condition_variable condition_;
  bool done_ = false;
};

}  // namespace weir
