// An executor for as long as its owner lives: work may refer to what the owner holds.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/base/executor.h"

namespace weir {

// Passes work on to another executor. After Close nothing runs any more: what had not begun is
// dropped, what was running has ended. Thread-safe.
class ScopedExecutor final : public Executor {
 public:
  explicit ScopedExecutor(Executor* target) : target_(target) {}
  ~ScopedExecutor() override { Close(); }

  void Submit(std::function<void()> work) override { target_->Submit(Wrap(std::move(work))); }
  void SubmitAfter(int64_t delay_ms, std::function<void()> work) override {
    target_->SubmitAfter(delay_ms, Wrap(std::move(work)));
  }
  // Not from within a work.
  void Close() {
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->closed = true;
    state_->idle.wait(lock, [this] { return state_->running == 0; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable idle;
    bool closed = false;
    int running = 0;
  };

  std::function<void()> Wrap(std::function<void()> work) {
    return [state = state_, work = std::move(work)]() mutable {
      {
        std::lock_guard<std::mutex> lock(state->mutex);
        if (state->closed) return;
        ++state->running;
      }
      work();
      work = nullptr;  // what it holds may belong to the owner
      std::lock_guard<std::mutex> lock(state->mutex);
      if (--state->running == 0) state->idle.notify_all();
    };
  }

  Executor* target_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace weir
