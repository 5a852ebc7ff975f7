// Pipes: opened, watched, replaced, buried.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/grpc/pool_core.h"
#include "engine/base/log.h"

namespace weir {

namespace {

constexpr int64_t kTickMs = 100;
constexpr int64_t kBackoffNs = 200'000'000;  // after the first failure to open; doubles
constexpr int64_t kMaxBackoffNs = 2'000'000'000;
constexpr int64_t kServedNs = 1'000'000'000;
constexpr int64_t kFinishNs = 10'000'000'000;  // for the other side to end a finished pipe

// An event holds on to the core: the pipe, and this with it, may be destroyed while it runs.
class Listener : public PipeListener {
 public:
  Listener(std::shared_ptr<PoolCore> core, uint64_t pipe) : core_(std::move(core)), pipe_(pipe) {}
  void OnReady() override {
    const auto core = core_;
    core->OnReady(pipe_);
  }
  void OnReplies(std::vector<PipeReply> replies) override {
    const auto core = core_;
    core->OnReplies(pipe_, std::move(replies));
  }
  void OnDraining() override {
    const auto core = core_;
    core->OnDraining(pipe_);
  }
  void OnClosed(const Status& status) override {
    const auto core = core_;
    core->OnClosed(pipe_, status);
  }

 private:
  const std::shared_ptr<PoolCore> core_;
  const uint64_t pipe_;
};

std::string Where(const std::string& endpoint) { return "agent/" + endpoint; }

}  // namespace

void PoolCore::Start() {
  Run([&](State* s, After*) { OpenDue(s, Now()); });
  ScheduleTick();
}

void PoolCore::Close() {
  Run([&](State* s, After* after) {
    s->closing = true;
    const Status why = Err(ErrorCode::kAgentUnavailable, "the agent channel is being closed");
    for (Call& call : s->queue) Answer(after, &call, why);
    s->queue.clear();
    s->queued.clear();
    for (auto& [number, pipe] : s->pipes) {
      after->push_back([p = pipe.pipe] { p->Abort(); });
    }
    if (s->pipes.empty()) closed_->Notify();
  });
  while (!closed_->WaitForMs(60'000)) LogWarning("agent", "a stream does not end");
  std::vector<std::shared_ptr<AgentPipe>> dead;
  std::unique_ptr<PipeFactory> factory;  // destroyed last: pipes live on what it holds
  state_.With([&](State* s) {
    dead.swap(s->dead);
    factory = std::move(s->factory);
  });
  dead.clear();
}

void PoolCore::Open(State* s, size_t endpoint, size_t slot) {
  const uint64_t number = s->next_pipe++;
  Pipe pipe;
  pipe.endpoint = endpoint;
  pipe.slot = slot;
  pipe.since_ns = Now();
  pipe.pipe =
      s->factory->Open(endpoint, slot, std::make_shared<Listener>(shared_from_this(), number));
  s->pipes.emplace(number, std::move(pipe));
  s->endpoints[endpoint].slots[slot].pipe = number;
}

void PoolCore::OnReady(uint64_t number) {
  Run([&](State* s, After* after) {
    const auto it = s->pipes.find(number);
    if (it == s->pipes.end() || it->second.stage != Pipe::Stage::kConnecting) return;
    it->second.stage = Pipe::Stage::kReady;
    it->second.since_ns = Now();
    Endpoint* endpoint = &s->endpoints[it->second.endpoint];
    endpoint->slots[it->second.slot].failures = 0;
    endpoint->metrics.streams_opened->Add();
    endpoint->breaker.OnConnected(it->second.since_ns);
    NoteBreaker(after, endpoint, absl::OkStatus());
    if (endpoint->complained) {
      endpoint->complained = false;
      after->push_back([name = endpoint->name] { LogInfo(Where(name), "connected"); });
    }
    Dispatch(s, after);
  });
}

void PoolCore::OnDraining(uint64_t number) {
  Run([&](State* s, After* after) {
    const auto it = s->pipes.find(number);
    if (it != s->pipes.end()) StartDrain(s, after, &it->second);
  });
}

void PoolCore::StartDrain(State* s, After* after, Pipe* pipe) {
  if (pipe->stage == Pipe::Stage::kDraining || pipe->stage == Pipe::Stage::kFinishing) return;
  const int64_t lived_ns = pipe->stage == Pipe::Stage::kReady ? Now() - pipe->since_ns : 0;
  pipe->stage = Pipe::Stage::kDraining;
  pipe->since_ns = Now();
  FinishIfIdle(after, pipe);
  if (s->closing) return;
  Slot* slot = &s->endpoints[pipe->endpoint].slots[pipe->slot];
  slot->pipe = 0;
  Reopen(s, &s->endpoints[pipe->endpoint], slot, lived_ns);
}

void PoolCore::FinishIfIdle(After* after, Pipe* pipe) {
  if (pipe->stage != Pipe::Stage::kDraining || !pipe->calls.empty()) return;
  pipe->stage = Pipe::Stage::kFinishing;
  pipe->since_ns = Now();
  after->push_back([p = pipe->pipe] { p->Finish(); });
}

void PoolCore::OnClosed(uint64_t number, const Status& status) {
  Run([&](State* s, After* after) {
    const auto it = s->pipes.find(number);
    if (it == s->pipes.end()) return;
    Pipe pipe = std::move(it->second);
    s->pipes.erase(it);
    Endpoint* endpoint = &s->endpoints[pipe.endpoint];
    Slot* slot = &endpoint->slots[pipe.slot];
    const bool current = slot->pipe == number;
    if (current) slot->pipe = 0;
    const Status why =
        Err(ErrorCode::kAgentUnavailable,
            absl::StrCat("the stream to ", endpoint->name, " ended: ",
                         status.ok() ? "closed by the agent" : ToAbsl(ToStd(status.message()))));
    for (auto& [id, call] : pipe.calls) {
      --endpoint->in_flight;
      endpoint->metrics.error_closed->Add();
      Answer(after, &call, why);
    }
    const bool ready = pipe.stage != Pipe::Stage::kConnecting;
    const int64_t now = Now();
    if (!s->closing) {
      // One failure, however many requests it took along. A stream that had served and ends with
      // nothing under way is everyday life.
      if (!ready) Fail(s, after, endpoint, pipe.since_ns, why);
      if (ready && !pipe.calls.empty()) Fail(s, after, endpoint, now, why);
      if (!ready) Complain(after, endpoint, why);
      if (current) Reopen(s, endpoint, slot, ready ? now - pipe.since_ns : 0);
    }
    Bury(s, after, std::move(pipe.pipe));
    if (s->closing && s->pipes.empty()) closed_->Notify();
  });
}

// At once after a pipe that has served for a while, else after a pause that grows.
void PoolCore::Reopen(State* s, Endpoint* endpoint, Slot* slot, int64_t served_ns) {
  if (served_ns >= kServedNs) {
    return Open(s, static_cast<size_t>(endpoint - s->endpoints.data()),
                static_cast<size_t>(slot - endpoint->slots.data()));
  }
  slot->next_open_ns = Now() + std::min(kBackoffNs << std::min(slot->failures, 10), kMaxBackoffNs);
  ++slot->failures;
}

void PoolCore::Complain(After* after, Endpoint* endpoint, const Status& why) {
  if (endpoint->complained) return;
  endpoint->complained = true;
  after->push_back([name = endpoint->name, why] {
    LogWarning(Where(name), absl::StrCat("not reachable, trying on: ", FormatError(why)));
  });
}

void PoolCore::Bury(State* s, After* after, std::shared_ptr<AgentPipe> pipe) {
  s->dead.push_back(std::move(pipe));
  if (s->sweep_scheduled || s->closing) return;
  s->sweep_scheduled = true;
  after->push_back([this] {
    env_.io->Submit([weak = weak_from_this()] {
      const auto core = weak.lock();
      if (core == nullptr) return;
      std::vector<std::shared_ptr<AgentPipe>> dead;
      core->state_.With([&](State* state) {
        state->sweep_scheduled = false;
        dead.swap(state->dead);
      });
    });
  });
}

void PoolCore::Fail(State* s, After* after, Endpoint* endpoint, int64_t began_ns,
                    const Status& why) {
  endpoint->breaker.OnFailure(began_ns, Now());
  NoteBreaker(after, endpoint, why);
  if (endpoint->seen == CircuitBreaker::State::kOpen) FailQueue(s, after);
}

// Nobody waits behind open breakers: the fail-safe verdict applies.
void PoolCore::FailQueue(State* s, After* after) {
  const int64_t now = Now();
  const bool all = std::all_of(s->endpoints.begin(), s->endpoints.end(), [&](Endpoint& e) {
    return e.breaker.state(now) == CircuitBreaker::State::kOpen;
  });
  if (!all) return;
  for (Call& call : s->queue) {
    s->endpoints[0].metrics.error_breaker->Add();
    Answer(after, &call, BreakerIsOpen());
  }
  s->queue.clear();
  s->queued.clear();
}

void PoolCore::NoteBreaker(After* after, Endpoint* endpoint, const Status& why) {
  const CircuitBreaker::State before = endpoint->seen;
  endpoint->seen = endpoint->breaker.state(Now());
  if (endpoint->seen == before) return;
  endpoint->metrics.breaker_state->Set(static_cast<int64_t>(endpoint->seen));
  if (endpoint->seen == CircuitBreaker::State::kClosed) {
    after->push_back(
        [name = endpoint->name] { LogInfo(Where(name), "circuit breaker closed again"); });
  }
  if (endpoint->seen != CircuitBreaker::State::kOpen) return;
  endpoint->metrics.breaker_opened->Add();
  const double seconds = static_cast<double>(Now() - endpoint->breaker.since_ns()) / 1e9;
  std::string text =
      absl::StrFormat("circuit breaker opened after %d failures in %.1f s; fail-safe verdicts ",
                      endpoint->breaker.failures(), seconds) +
      absl::StrCat("apply; last failure: ", FormatError(why));
  after->push_back(
      [name = endpoint->name, text = std::move(text)] { LogWarning(Where(name), text); });
}

void PoolCore::ScheduleTick() {
  env_.io->SubmitAfter(kTickMs, [weak = weak_from_this()] {
    if (const auto core = weak.lock()) core->Tick();
  });
}

void PoolCore::Tick() {
  bool closing = false;
  Run([&](State* s, After* after) {
    closing = s->closing;
    if (closing) return;
    const int64_t now = Now();
    ExpireQueue(s, after, now);
    ExpireSent(s, after, now);
    WatchPipes(s, after, now);
    OpenDue(s, now);
    Dispatch(s, after);
    SetGauges(s, now);
  });
  if (!closing) ScheduleTick();
}

void PoolCore::ExpireQueue(State* s, After* after, int64_t now) {
  for (auto it = s->queue.begin(); it != s->queue.end();) {
    if (it->deadline_ns > now) {
      ++it;
      continue;
    }
    s->endpoints[0].metrics.error_timeout->Add();
    s->queued.erase(it->request.request_id);
    Answer(after, &*it, Err(ErrorCode::kAgentTimeout, "no agent took the request in time"));
    it = s->queue.erase(it);
  }
}

void PoolCore::ExpireSent(State* s, After* after, int64_t now) {
  for (auto& [number, pipe] : s->pipes) {
    Endpoint* endpoint = &s->endpoints[pipe.endpoint];
    std::vector<PipeCancel> cancelled;
    for (auto it = pipe.calls.begin(); it != pipe.calls.end();) {
      if (it->second.deadline_ns > now) {
        ++it;
        continue;
      }
      const Status why = Err(ErrorCode::kAgentTimeout, "the agent did not answer in time");
      --endpoint->in_flight;
      endpoint->metrics.error_timeout->Add();
      Fail(s, after, endpoint, it->second.sent_ns, why);
      Answer(after, &it->second, why);
      cancelled.push_back({it->first, it->second.sent_attempt});
      it = pipe.calls.erase(it);
    }
    if (cancelled.empty()) continue;
    after->push_back([p = pipe.pipe, all = std::move(cancelled)] { p->Cancel(all); });
    FinishIfIdle(after, &pipe);
  }
}

void PoolCore::WatchPipes(State* s, After* after, int64_t now) {
  std::vector<Pipe*> old;
  for (auto& [number, pipe] : s->pipes) {
    const int64_t age = now - pipe.since_ns;
    // Streams of one age would all be replaced at once: each lives up to a fifth less.
    const int64_t limit =
        config_.stream_age_ns - config_.stream_age_ns / 40 * static_cast<int64_t>(number % 8);
    if (pipe.stage == Pipe::Stage::kReady && age >= limit) old.push_back(&pipe);
    const bool stuck =
        (pipe.stage == Pipe::Stage::kConnecting && age >= config_.connect_timeout_ns) ||
        (pipe.stage == Pipe::Stage::kFinishing && age >= kFinishNs);
    if (stuck && !pipe.aborted) {
      pipe.aborted = true;  // its OnClosed comes soon, and counts as the failure that it is
      after->push_back([p = pipe.pipe] { p->Abort(); });
    }
  }
  for (Pipe* pipe : old) StartDrain(s, after, pipe);
}

void PoolCore::OpenDue(State* s, int64_t now) {
  for (size_t e = 0; e < s->endpoints.size(); ++e) {
    for (size_t i = 0; i < config_.streams; ++i) {
      const Slot& slot = s->endpoints[e].slots[i];
      if (slot.pipe == 0 && slot.next_open_ns <= now) Open(s, e, i);
    }
  }
}

void PoolCore::SetGauges(State* s, int64_t now) {
  for (Endpoint& e : s->endpoints) {
    e.metrics.in_flight->Set(static_cast<int64_t>(e.in_flight));
    e.seen = e.breaker.state(now);
    e.metrics.breaker_state->Set(static_cast<int64_t>(e.seen));
    const auto ready = std::count_if(e.slots.begin(), e.slots.end(), [&](const Slot& slot) {
      return slot.pipe != 0 && s->pipes.at(slot.pipe).stage == Pipe::Stage::kReady;
    });
    e.metrics.streams->Set(ready);
  }
}

}  // namespace weir
