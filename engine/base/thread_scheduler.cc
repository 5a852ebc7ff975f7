#include "engine/base/thread_scheduler.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/status.h"

namespace weir {
namespace {

// How long an idle slot spins before it parks. A wake of a parked thread costs the waker some 5 us
// and the slot some 50 us; a slot that is woken while it spins pays neither. The time adapts,
// because spinning for nothing takes a core from somebody else.
constexpr int64_t kSpinMaxNs = 50'000;
constexpr int64_t kSpinMinNs = 1'000;
constexpr int kPausesPerClockRead = 16;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// How a slot's thread sleeps and is woken.
//
//   kAwake --Wake--> kNotified --Accept--> kAwake --(nothing to do) Park--> kParked --Wake-->
//   kNotified
//
// No wake is lost: Wake always exchanges, so either the slot's Accept reads from it (and what was
// written before the wake is visible to the turn that follows), or it comes later and then finds
// kParked, or makes the exchange to kParked fail.
class ThreadScheduler::Parking : public Waker {
 public:
  void Wake() override {
    if (state_.exchange(kNotified, std::memory_order_acq_rel) != kParked) return;
    // Taking the mutex orders this notify after the sleeper's test of state_.
    { const std::lock_guard<std::mutex> lock(mutex_); }
    changed_.notify_one();
  }
  void RequestStop() {
    stopping_.store(true, std::memory_order_release);
    Wake();
  }
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  void Accept() {
    if (notified()) state_.exchange(kAwake, std::memory_order_acq_rel);
  }

  // Returns when woken or when the deadline has come.
  void Idle(int64_t deadline_ns) {
    if (Spin(deadline_ns)) {
      spin_ns_ = std::min(kSpinMaxNs, spin_ns_ * 2);
      return;
    }
    spin_ns_ = std::max(kSpinMinNs, spin_ns_ / 2);
    Park(deadline_ns);
  }

 private:
  enum State : int { kAwake, kNotified, kParked };
  bool notified() const { return state_.load(std::memory_order_acquire) == kNotified; }

  bool Spin(int64_t deadline_ns) const {
    const int64_t end = clock_.MonoNs() + spin_ns_;
    while (true) {
      for (int i = 0; i < kPausesPerClockRead; ++i) {
        if (notified()) return true;
        Pause();
      }
      const int64_t now = clock_.MonoNs();
      if (now >= deadline_ns) return true;
      if (now >= end) return false;
    }
  }

  void Park(int64_t deadline_ns) {
    int expected = kAwake;
    if (!state_.compare_exchange_strong(expected, kParked, std::memory_order_acq_rel)) return;
    const auto woken = [this] { return state_.load(std::memory_order_acquire) != kParked; };
    std::unique_lock<std::mutex> lock(mutex_);
    if (deadline_ns == kNeverNs) {
      changed_.wait(lock, woken);
    } else {
      const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline_ns)};
      changed_.wait_until(lock, until, woken);
    }
    // After a deadline the state may still be kParked; a Wake that comes first wins.
    expected = kParked;
    state_.compare_exchange_strong(expected, kAwake, std::memory_order_acq_rel);
  }

  SystemClock clock_;
  std::atomic<int> state_{kAwake};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t spin_ns_ = kSpinMaxNs;  // the slot's thread only
};

ThreadScheduler::Slot& ThreadScheduler::SlotFor(int slot) {
  Slot& entry = slots_[slot];
  if (entry.parking == nullptr) entry.parking = std::make_shared<Parking>();
  return entry;
}

std::shared_ptr<Waker> ThreadScheduler::WakerFor(int slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return SlotFor(slot).parking;
}

void ThreadScheduler::Start(int slot, const std::string& name, SlotWork* work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Slot& entry = SlotFor(slot);
  WEIR_CHECK(!entry.thread.joinable(), "the slot runs already");
  entry.thread = std::thread([parking = entry.parking, name, work] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    while (!parking->stopping()) {
      parking->Accept();
      if (!work->RunTurn() && !parking->stopping()) parking->Idle(work->NextDeadlineNs());
    }
  });
}

void ThreadScheduler::Stop() {
  std::map<int, Slot> slots;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    slots.swap(slots_);
  }
  for (auto& [id, slot] : slots) slot.parking->RequestStop();
  for (auto& [id, slot] : slots) {
    if (!slot.thread.joinable()) continue;
    WEIR_CHECK(slot.thread.get_id() != std::this_thread::get_id(), "a slot must not Stop its own");
    slot.thread.join();
  }
}

}  // namespace weir
