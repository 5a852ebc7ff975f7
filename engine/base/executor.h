// Where blocking work runs (DESIGN D2, D3). A task never blocks; it submits work here and gets the
// result back as mail.
#pragma once

#include <functional>

namespace weir {

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` once, some time later, elsewhere. Any thread may call. Works submitted by one
  // thread may run in any order and at the same time.
  virtual void Submit(std::function<void()> work) = 0;
  // Runs `work` not before `delay_ms` of monotonic time from now.
  virtual void SubmitAfter(int64_t delay_ms, std::function<void()> work) = 0;
};

}  // namespace weir
