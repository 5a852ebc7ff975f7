#include "engine/base/testing_env.h"

#include "engine/base/status.h"

namespace weir {
namespace {

constexpr size_t kEndless = 1'000'000;

}  // namespace

void ManualExecutor::SubmitAfter(int64_t delay_ms, std::function<void()> work) {
  if (delay_ms <= 0) return Submit(std::move(work));
  delayed_.emplace(clock_->MonoNs() + delay_ms * 1'000'000, std::move(work));
}

size_t ManualExecutor::RunPending() {
  size_t count = 0;
  while (true) {
    while (!delayed_.empty() && delayed_.begin()->first <= clock_->MonoNs()) {
      ready_.push_back(std::move(delayed_.begin()->second));
      delayed_.erase(delayed_.begin());
    }
    if (ready_.empty()) return count;
    const std::function<void()> work = std::move(ready_.front());
    ready_.pop_front();
    work();
    WEIR_CHECK(++count < kEndless, "works submit works without end");
  }
}

std::shared_ptr<Waker> ManualScheduler::WakerFor(int slot) {
  std::shared_ptr<Flag>& flag = flags_[slot];
  if (flag == nullptr) flag = std::make_shared<Flag>();
  return flag;
}

void ManualScheduler::Start(int slot, const std::string&, SlotWork* work) {
  WEIR_CHECK(slots_.count(slot) == 0, "the slot runs already");
  WakerFor(slot)->Wake();
  slots_[slot] = {work, flags_[slot], kNeverNs};
}

void ManualScheduler::Stop() {
  slots_.clear();
  flags_.clear();
}

size_t ManualScheduler::RunTurns() {
  size_t count = 0;
  for (auto& [id, slot] : slots_) {
    if (!slot.flag->awake && slot.deadline_ns > clock_->MonoNs()) continue;
    slot.flag->awake = false;
    const bool more = slot.work->RunTurn();
    if (more) slot.flag->awake = true;
    slot.deadline_ns = more ? kNeverNs : slot.work->NextDeadlineNs();
    ++count;
  }
  return count;
}

TestEnv::TestEnv() {
  env_.clock = &clock;
  env_.fs = &fs;
  env_.io = &io;
  env_.scheduler = &scheduler;
  env_.seed = 1;
  env_.variable = [this](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
}

size_t TestEnv::RunUntilIdle() {
  size_t total = 0;
  while (true) {
    const size_t count = io.RunPending() + scheduler.RunTurns();
    if (count == 0) return total;
    total += count;
    WEIR_CHECK(total < kEndless, "slots or works go on without end");
  }
}

}  // namespace weir
