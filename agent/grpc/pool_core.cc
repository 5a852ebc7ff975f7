// Requests: taken, handed out, answered.
#include "agent/grpc/pool_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/agent_errors.h"

namespace weir {

PoolCore::PoolCore(AgentPoolConfig config, const Env& env, MetricRegistry* metrics,
                   std::unique_ptr<PipeFactory> factory)
    : config_(std::move(config)), env_(env) {
  state_.With([&](State* s) {
    s->factory = std::move(factory);
    for (const std::string& name : config_.endpoints) {
      s->endpoints.push_back({name, CircuitBreaker(config_.breaker), CircuitBreaker::State::kClosed,
                              EndpointMetrics(metrics, config_.job, name), 0, false,
                              std::vector<Slot>(config_.streams)});
    }
  });
}

// The fail-safe applies at once: that is what a breaker is for.
Status PoolCore::BreakerIsOpen() {
  return NoFurtherAttempt(Err(ErrorCode::kAgentUnavailable, "the agent's circuit breaker is open"));
}

void PoolCore::Decide(const AgentRequest& request, Done done) {
  Run([&](State* s, After* after) {
    const int64_t now = Now();
    const int64_t left_ms = request.deadline_ms - env_.clock->NowMs();
    Call call{request, std::move(done), now + left_ms * 1'000'000, 0, 0};
    if (s->closing) {
      return Answer(after, &call,
                    Err(ErrorCode::kAgentUnavailable, "the agent channel is being closed"));
    }
    if (left_ms <= 0) {
      return Answer(after, &call, Err(ErrorCode::kAgentTimeout, "the deadline has passed"));
    }
    if (ReplaceQueued(s, &call) || AdoptSent(s, after, &call)) return;
    if (!AnyAdmits(s, now)) {
      s->endpoints[0].metrics.error_breaker->Add();
      return Answer(after, &call, BreakerIsOpen());
    }
    size_t under_way = s->queue.size();
    for (const Endpoint& e : s->endpoints) under_way += e.in_flight;
    if (under_way >= config_.in_flight * s->endpoints.size()) {
      s->endpoints[0].metrics.error_capacity->Add();
      return Answer(after, &call,
                    Err(ErrorCode::kAgentCapacity,
                        absl::StrCat(under_way, " requests are under way to the agent")));
    }
    Enqueue(s, std::move(call));
    ScheduleFlush(s, after);
  });
}

// The loop's attempt timed out before a pipe took it: the new attempt stands in its place.
bool PoolCore::ReplaceQueued(State* s, Call* call) {
  const auto it = s->queued.find(call->request.request_id);
  if (it == s->queued.end()) return false;
  *it->second = std::move(*call);
  return true;
}

// The loop's attempt timed out at a pipe. That speaks against the endpoint. If there is no other
// pipe for the new attempt, it stands in the old one's place: the pipe has not lost it, and the
// agent would do no more for a second copy.
bool PoolCore::AdoptSent(State* s, After* after, Call* call) {
  const std::string& id = call->request.request_id;
  const int64_t now = Now();
  Call* held = nullptr;
  for (auto& [number, pipe] : s->pipes) {
    const auto it = pipe.calls.find(id);
    if (it == pipe.calls.end()) continue;
    held = &it->second;
    Endpoint* endpoint = &s->endpoints[pipe.endpoint];
    endpoint->metrics.error_timeout->Add();
    Fail(s, after, endpoint, held->sent_ns,
         Err(ErrorCode::kAgentTimeout, "an attempt was not answered in time"));
    held->sent_ns = now;
  }
  if (held == nullptr || !AnyAdmits(s, now) || Pick(s, id, now) != nullptr) return false;
  call->sent_ns = now;
  call->sent_attempt = held->sent_attempt;
  *held = std::move(*call);
  return true;
}

bool PoolCore::AnyAdmits(State* s, int64_t now) {
  return std::any_of(s->endpoints.begin(), s->endpoints.end(), [&](Endpoint& e) {
    if (e.breaker.state(now) == CircuitBreaker::State::kClosed) return true;
    // A probe goes out at once or not at all: nobody waits behind an open breaker.
    const bool ready = std::any_of(e.slots.begin(), e.slots.end(), [&](const Slot& slot) {
      return slot.pipe != 0 && s->pipes.at(slot.pipe).stage == Pipe::Stage::kReady;
    });
    return ready && s->queue.empty() && e.breaker.Admits(now);
  });
}

void PoolCore::Enqueue(State* s, Call call) {
  const std::string id = call.request.request_id;
  s->queue.push_back(std::move(call));
  s->queued[id] = std::prev(s->queue.end());
}

// Elsewhere and a moment later: the caller is a task, and what else its turn asks joins the batch.
void PoolCore::ScheduleFlush(State* s, After* after) {
  if (s->flush_scheduled) return;
  s->flush_scheduled = true;
  after->push_back([this] {
    env_.io->Submit([weak = weak_from_this()] {
      if (const auto core = weak.lock()) core->Flush();
    });
  });
}

void PoolCore::Flush() {
  Run([&](State* s, After* after) {
    s->flush_scheduled = false;
    Dispatch(s, after);
  });
}

void PoolCore::Dispatch(State* s, After* after) {
  if (s->closing || s->queue.empty()) return;
  const int64_t now = Now();
  std::map<uint64_t, std::vector<PipeRequest>> sends;
  for (auto it = s->queue.begin(); it != s->queue.end();) {
    const std::string id = it->request.request_id;
    Pipe* pipe = Pick(s, id, now);
    if (pipe == nullptr) {
      if (!IsHeld(s, id)) break;  // then there is none for those behind it either
      ++it;
      continue;
    }
    Endpoint* endpoint = &s->endpoints[pipe->endpoint];
    ++endpoint->in_flight;
    endpoint->breaker.OnSend(now);
    endpoint->metrics.calls->Add();
    it->sent_ns = now;
    it->sent_attempt = it->request.attempt;
    const int64_t left_ms = std::max<int64_t>(1, (it->deadline_ns - now) / 1'000'000);
    sends[endpoint->slots[pipe->slot].pipe].push_back({it->request, left_ms});
    pipe->calls.emplace(id, std::move(*it));
    s->queued.erase(id);
    it = s->queue.erase(it);
  }
  for (auto& [number, requests] : sends) {
    after->push_back([pipe = s->pipes.at(number).pipe, requests = std::move(requests)]() mutable {
      pipe->Send(std::move(requests));
    });
  }
}

// The least loaded pipe of the least loaded endpoint, of those that may take the request now.
PoolCore::Pipe* PoolCore::Pick(State* s, const std::string& request_id, int64_t now) {
  Pipe* best = nullptr;
  for (auto& [number, pipe] : s->pipes) {
    Endpoint& endpoint = s->endpoints[pipe.endpoint];
    if (pipe.stage != Pipe::Stage::kReady || endpoint.in_flight >= config_.in_flight ||
        !endpoint.breaker.Admits(now) || pipe.calls.count(request_id) > 0) {
      continue;
    }
    const auto load = [&](const Pipe& p) {
      return std::make_pair(s->endpoints[p.endpoint].in_flight, p.calls.size());
    };
    if (best == nullptr || load(pipe) < load(*best)) best = &pipe;
  }
  return best;
}

bool PoolCore::IsHeld(State* s, const std::string& request_id) {
  return std::any_of(s->pipes.begin(), s->pipes.end(),
                     [&](const auto& entry) { return entry.second.calls.count(request_id) > 0; });
}

void PoolCore::OnReplies(uint64_t number, std::vector<PipeReply> replies) {
  Run([&](State* s, After* after) {
    const auto it = s->pipes.find(number);
    if (it == s->pipes.end()) return;
    const int64_t now = Now();
    for (PipeReply& reply : replies) Take(s, after, &it->second, std::move(reply), now);
    Dispatch(s, after);
    FinishIfIdle(after, &it->second);
  });
}

void PoolCore::Take(State* s, After* after, Pipe* pipe, PipeReply reply, int64_t now) {
  Endpoint* endpoint = &s->endpoints[pipe->endpoint];
  const auto found = pipe->calls.find(reply.request_id);
  if (found == pipe->calls.end()) return endpoint->metrics.unknown_replies->Add();
  // The error of an attempt that was cancelled meanwhile; the one under way has its own to come.
  const bool stale = reply.attempt != 0 && reply.attempt != found->second.sent_attempt;
  if (stale && !reply.reply.ok()) return endpoint->metrics.unknown_replies->Add();
  Call call = std::move(found->second);
  pipe->calls.erase(found);
  --endpoint->in_flight;
  Count(endpoint, call, reply.reply, now);
  if (reply.reply.ok() || !absl::IsUnavailable(reply.reply.status())) {
    endpoint->breaker.OnSuccess();
    NoteBreaker(after, endpoint, absl::OkStatus());
  } else {
    Fail(s, after, endpoint, call.sent_ns, reply.reply.status());
  }
  if (reply.reply.ok()) DropCopies(s, after, reply.request_id);
  Answer(after, &call, std::move(reply.reply));
}

void PoolCore::Count(Endpoint* endpoint, const Call& call, const StatusOr<AgentReply>& reply,
                     int64_t now) {
  endpoint->metrics.latency_us->Record((now - call.sent_ns) / 1000);
  if (!reply.ok()) return endpoint->metrics.error_reply->Add();
  endpoint->metrics.replies->Add();
  endpoint->metrics.tokens_in->Add(std::max<int64_t>(0, reply->tokens_in));
  endpoint->metrics.tokens_out->Add(std::max<int64_t>(0, reply->tokens_out));
}

// Other attempts of a request that has its answer.
void PoolCore::DropCopies(State* s, After* after, const std::string& request_id) {
  if (const auto it = s->queued.find(request_id); it != s->queued.end()) {
    s->queue.erase(it->second);
    s->queued.erase(it);
  }
  for (auto& [number, pipe] : s->pipes) {
    const auto copy = pipe.calls.find(request_id);
    if (copy == pipe.calls.end()) continue;
    Endpoint* endpoint = &s->endpoints[pipe.endpoint];
    const PipeCancel cancel{request_id, copy->second.sent_attempt};
    endpoint->breaker.OnDropped(copy->second.sent_ns);
    pipe.calls.erase(copy);
    --endpoint->in_flight;
    after->push_back([p = pipe.pipe, cancel] { p->Cancel({cancel}); });
    FinishIfIdle(after, &pipe);
  }
}

void PoolCore::Answer(After* after, Call* call, StatusOr<AgentReply> reply) {
  after->push_back([done = std::move(call->done), reply = std::move(reply)] { done(reply); });
}

}  // namespace weir
