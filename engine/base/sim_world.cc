#include "engine/base/sim_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/hash.h"
#include "engine/base/status.h"

namespace weir {
namespace {

constexpr size_t kRecentMax = 64;
constexpr uint64_t kFairness = 32;         // one pick in so many ignores the order
constexpr uint64_t kVictimSteps = 500;     // how long kStarveOne keeps to one victim
constexpr uint64_t kPriorityChange = 256;  // one pick in so many gets a new priority
constexpr uint64_t kSpuriousWake = 256;    // one step in so many offers all slots

}  // namespace

class SimWorld::SlotWaker : public Waker {
 public:
  explicit SlotWaker(std::shared_ptr<uint64_t> events) : events_(std::move(events)) {}
  void Wake() override {
    if (awake_) return;
    awake_ = true;
    since_ = ++*events_;
  }
  void Sleep() { awake_ = false; }
  bool awake() const { return awake_; }
  uint64_t since() const { return since_; }

 private:
  const std::shared_ptr<uint64_t> events_;
  bool awake_ = false;
  uint64_t since_ = 0;
};

SimWorld::SimWorld(uint64_t seed, SimOptions options)
    : options_(std::move(options)),
      random_(seed),
      order_(options_.order.value_or(static_cast<SimOrder>(random_.Uniform(5)))),
      fs_(random_.Next()),
      points_([this] { fs_.Freeze(); }) {
  WEIR_CHECK(GetFailPoints() == nullptr, "another SimWorld lives");
  SetFailPoints(&points_);
  points_.SetObserver([this](std::string_view point) { NoteTrace(point); });
  fs_.SetFaults(options_.faults);
  fs_.SetSlowHook([this](int64_t ms) { AdvanceMs(ms); });
  env_.clock = this;
  env_.fs = &fs_;
  env_.io = this;
  env_.scheduler = this;
  env_.seed = random_.Next();
  env_.variable = [this](const std::string& name) -> std::optional<std::string> {
    const auto it = options_.variables.find(name);
    if (it == options_.variables.end()) return std::nullopt;
    return it->second;
  };
}

SimWorld::~SimWorld() {
  points_.CrashNow();
  DropWorks();
  SetFailPoints(nullptr);
}

int64_t SimWorld::NowMs() const {
  return options_.start_ms + wall_offset_ms_ + now_ns_ / 1'000'000;
}

void SimWorld::SubmitAfter(int64_t delay_ms, std::function<void()> work) {
  if (crashed()) return;
  auto extra_us = static_cast<uint64_t>(options_.io_delay_us_max);
  if (random_.OneIn(32)) extra_us *= 50;
  const auto extra_ns = static_cast<int64_t>(random_.Uniform(extra_us * 1'000 + 1));
  const int64_t due_ns = now_ns_ + std::max<int64_t>(delay_ms, 0) * 1'000'000 + extra_ns;
  works_[next_work_++] = {due_ns, 0, random_.Next(), std::move(work)};
}

std::shared_ptr<Waker> SimWorld::WakerFor(int slot) {
  std::shared_ptr<SlotWaker>& waker = wakers_[slot];
  if (waker == nullptr) waker = std::make_shared<SlotWaker>(events_);
  return waker;
}

void SimWorld::Start(int slot, const std::string& name, SlotWork* work) {
  WEIR_CHECK(slots_.count(slot) == 0, "the slot runs already");
  WakerFor(slot)->Wake();
  slots_[slot] = {name, work, wakers_[slot], kNeverNs, random_.Next()};
}

void SimWorld::Stop() {
  WEIR_CHECK(running_slot_ < 0, "a slot must not Stop its own scheduler");
  slots_.clear();
  wakers_.clear();
}

bool SimWorld::Step() {
  WEIR_CHECK(!in_step_, "Step was called within a step");
  if (crashed()) return false;
  std::vector<Choice> choices = Runnable();
  while (choices.empty()) {
    if (!AdvanceToNextDeadline()) return false;
    choices = Runnable();
  }
  const Choice choice = Pick(choices);
  ++steps_;
  Mix(choice.id * 2 + (choice.is_slot ? 1 : 0));
  Mix(static_cast<uint64_t>(now_ns_));
  in_step_ = true;
  if (choice.is_slot) {
    RunSlot(static_cast<int>(choice.id));
  } else {
    RunWork(choice.id);
  }
  in_step_ = false;
  now_ns_ +=
      1 + static_cast<int64_t>(random_.Uniform(static_cast<uint64_t>(options_.step_ns_max) + 1));
  return !crashed();
}

SimEnd SimWorld::Run(const std::function<bool()>& done, uint64_t max_steps) {
  for (uint64_t i = 0; i < max_steps; ++i) {
    if (crashed()) return SimEnd::kCrashed;
    if (done()) return SimEnd::kDone;
    if (!Step() && !crashed()) return SimEnd::kIdle;
  }
  if (crashed()) return SimEnd::kCrashed;
  return done() ? SimEnd::kDone : SimEnd::kStepLimit;
}

void SimWorld::Crash() {
  WEIR_CHECK(!in_step_, "within a step use points().CrashNow()");
  points_.CrashNow();
  slots_.clear();
  wakers_.clear();
  DropWorks();
  fs_.Crash(&random_);
  points_.Revive();
  NoteTrace("crash");
}

// What the works own dies while the process counts as crashed: it can submit nothing more, and its
// file operations are undone with the rest.
void SimWorld::DropWorks() {
  std::map<uint64_t, Work> dropped;
  dropped.swap(works_);
}

std::vector<SimWorld::Choice> SimWorld::Runnable() {
  std::vector<Choice> choices;
  for (auto& [id, slot] : slots_) {
    if (slot.deadline_ns <= now_ns_) slot.waker->Wake();
    if (!slot.waker->awake()) continue;
    choices.push_back({true, static_cast<uint64_t>(id), slot.waker->since(), slot.priority});
  }
  for (auto& [id, work] : works_) {
    if (work.due_ns > now_ns_) continue;
    if (work.since == 0) work.since = ++*events_;
    choices.push_back({false, id, work.since, work.priority});
  }
  // A slot must bear being called for nothing.
  if (!choices.empty() && random_.OneIn(kSpuriousWake)) {
    for (auto& [id, slot] : slots_) {
      if (slot.waker->awake()) continue;
      choices.push_back({true, static_cast<uint64_t>(id), *events_, slot.priority});
    }
  }
  return choices;
}

bool SimWorld::AdvanceToNextDeadline() {
  int64_t next = kNeverNs;
  for (const auto& [id, slot] : slots_) next = std::min(next, slot.deadline_ns);
  for (const auto& [id, work] : works_) next = std::min(next, work.due_ns);
  if (next == kNeverNs) return false;
  now_ns_ = std::max(now_ns_, next);
  if (random_.OneIn(4)) {
    const auto late_us_max = static_cast<uint64_t>(options_.timer_late_us_max);
    now_ns_ += static_cast<int64_t>(random_.Uniform(late_us_max * 1'000 + 1));
  }
  return true;
}

SimWorld::Choice SimWorld::Pick(const std::vector<Choice>& choices) {
  const auto earlier = [](const Choice& a, const Choice& b) { return a.since < b.since; };
  if (order_ != SimOrder::kUniform && !random_.OneIn(kFairness)) {
    switch (order_) {
      case SimOrder::kStarveOne:
        return PickStarving(choices);
      case SimOrder::kFifo:
        return *std::min_element(choices.begin(), choices.end(), earlier);
      case SimOrder::kLifo:
        return *std::max_element(choices.begin(), choices.end(), earlier);
      case SimOrder::kPriorities:
        return PickByPriority(choices);
      case SimOrder::kUniform:
        break;
    }
  }
  return choices[random_.Uniform(choices.size())];
}

// The victim is one slot, or all I/O together.
SimWorld::Choice SimWorld::PickStarving(const std::vector<Choice>& choices) {
  if (steps_ % kVictimSteps == 0) victim_ = random_.Uniform(slots_.size() + 1);
  const bool io_starves = victim_ == slots_.size();
  std::vector<Choice> others;
  for (const Choice& choice : choices) {
    const bool starves = choice.is_slot ? choice.id == victim_ : io_starves;
    if (!starves) others.push_back(choice);
  }
  const std::vector<Choice>& from = others.empty() ? choices : others;
  return from[random_.Uniform(from.size())];
}

// After "A randomized scheduler with probabilistic guarantees of finding bugs" (PCT): strict random
// priorities with rare changes find orders that uniform picks almost never produce.
SimWorld::Choice SimWorld::PickByPriority(const std::vector<Choice>& choices) {
  const Choice best =
      *std::max_element(choices.begin(), choices.end(),
                        [](const Choice& a, const Choice& b) { return a.priority < b.priority; });
  if (best.is_slot && random_.OneIn(kPriorityChange)) {
    slots_[static_cast<int>(best.id)].priority = random_.Next();
  }
  return best;
}

void SimWorld::RunSlot(int id) {
  Slot& slot = slots_.at(id);  // stays: only Stop removes slots, and not during a turn
  Remember(absl::StrCat("slot ", id, " ", slot.name));
  slot.waker->Sleep();
  slot.deadline_ns = kNeverNs;
  running_slot_ = id;
  const bool more = slot.work->RunTurn();
  if (more) {
    slot.waker->Wake();
  } else {
    slot.deadline_ns = slot.work->NextDeadlineNs();
  }
  running_slot_ = -1;
}

void SimWorld::RunWork(uint64_t id) {
  Remember(absl::StrCat("io ", id));
  const auto it = works_.find(id);
  const std::function<void()> run = std::move(it->second.run);
  works_.erase(it);
  run();
}

void SimWorld::Mix(uint64_t value) {
  trace_ = (trace_ ^ value) * 0x9e3779b97f4a7c15;
  trace_ ^= trace_ >> 29;
}

void SimWorld::NoteTrace(std::string_view note) {
  Mix(HashBytes(note));
  Remember(std::string(note));
}

void SimWorld::Remember(std::string text) {
  recent_.push_back(std::move(text));
  if (recent_.size() > kRecentMax) recent_.pop_front();
}

std::string SimWorld::RecentTrace() const {
  std::string text;
  for (const std::string& entry : recent_) absl::StrAppend(&text, text.empty() ? "" : "; ", entry);
  return text;
}

}  // namespace weir
