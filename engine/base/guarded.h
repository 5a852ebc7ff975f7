// A value that several threads use, and the mutex without which none of them can: the only lock
// that code outside of engine/base may hold, for I/O works that share a little state.
#pragma once

#include <mutex>
#include <utility>

namespace weir {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  // Calls fn(T*) while nobody else does and returns its result. Not from within fn, and never on a
  // task's thread if fn may block.
  template <typename Fn>
  auto With(Fn&& fn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::forward<Fn>(fn)(&value_);
  }

 private:
  std::mutex mutex_;
  T value_{};  // value-initialised: a bool is false
};

}  // namespace weir
