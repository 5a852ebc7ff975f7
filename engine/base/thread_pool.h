// The executor of production: a fixed number of threads and one heap of delayed works.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/executor.h"

namespace weir {

// The destructor runs all works that are due, drops those that are not, and waits.
// Works are bounded by their submitters (see MailHandle), so the queue is not bounded again here.
class ThreadPool : public Executor {
 public:
  // `name` is what a debugger or `top -H` shows. `nice`: how much
  // is added to the process's own niceness.
  explicit ThreadPool(int threads, std::string name = "weir-io", int nice = 0);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Submit(std::function<void()> work) override;
  void SubmitAfter(int64_t delay_ms, std::function<void()> work) override;

 private:
  struct Delayed {
    int64_t due_ns;
    uint64_t sequence;  // equal deadlines run in the order of their submission
    std::function<void()> work;
    bool operator<(const Delayed& other) const {  // the earliest is the heap's greatest
      return due_ns != other.due_ns ? due_ns > other.due_ns : sequence > other.sequence;
    }
  };

  void Run(int index);
  // Blocks until there is work to do; false when there will be none any more.
  bool Next(std::function<void()>* work);
  void MoveDueToReady();

  const std::string name_;
  const int nice_;
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> ready_;
  std::priority_queue<Delayed> delayed_;
  uint64_t next_sequence_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir
