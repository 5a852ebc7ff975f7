#include "engine/base/thread_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "engine/base/status.h"

namespace weir {

ThreadPool::ThreadPool(int threads, std::string name, int nice)
    : name_(std::move(name)), nice_(nice) {
  WEIR_CHECK(threads > 0);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { Run(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Submit(std::function<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ready_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void ThreadPool::SubmitAfter(int64_t delay_ms, std::function<void()> work) {
  if (delay_ms <= 0) return Submit(std::move(work));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    delayed_.push({clock_.MonoNs() + delay_ms * 1'000'000, next_sequence_++, std::move(work)});
  }
  changed_.notify_one();
}

void ThreadPool::Run(int index) {
  pthread_setname_np(pthread_self(), (name_ + "-" + std::to_string(index)).substr(0, 15).c_str());
  // Linux counts it by thread. Where it is refused the work is done all the same.
  const auto self = static_cast<id_t>(gettid());
  if (nice_ > 0) (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + nice_);
  std::function<void()> work;
  while (Next(&work)) {
    work();
    work = nullptr;  // what it owns dies now, not when the next work comes
  }
}

bool ThreadPool::Next(std::function<void()>* work) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    MoveDueToReady();
    if (!ready_.empty()) {
      *work = std::move(ready_.front());
      ready_.pop_front();
      // This thread may have been the one that waited for the next deadline: hand that over.
      if (!ready_.empty() || !delayed_.empty()) changed_.notify_one();
      return true;
    }
    if (stopping_) return false;
    if (delayed_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, std::chrono::steady_clock::time_point(
                                    std::chrono::nanoseconds(delayed_.top().due_ns)));
    }
  }
}

void ThreadPool::MoveDueToReady() {
  if (delayed_.empty()) return;
  const int64_t now = clock_.MonoNs();
  while (!delayed_.empty() && delayed_.top().due_ns <= now) {
    // top() is const only so that nobody breaks the order; pop() follows at once.
    ready_.push_back(std::move(const_cast<Delayed&>(delayed_.top()).work));
    delayed_.pop();
  }
}

}  // namespace weir
