// The inside of AgentPool: outlives it by as long as a timer or a pipe's last event takes.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/grpc/agent_pool.h"
#include "agent/grpc/endpoint_metrics.h"
#include "engine/base/guarded.h"
#include "engine/base/notification.h"

namespace weir {

class PoolCore : public std::enable_shared_from_this<PoolCore> {
 public:
  using Done = std::function<void(StatusOr<AgentReply>)>;

  PoolCore(AgentPoolConfig config, const Env& env, MetricRegistry* metrics,
           std::unique_ptr<PipeFactory> factory);

  void Start();
  void Decide(const AgentRequest& request, Done done);
  void Close();

  // From pipes.
  void OnReady(uint64_t pipe);
  void OnReplies(uint64_t pipe, std::vector<PipeReply> replies);
  void OnDraining(uint64_t pipe);
  void OnClosed(uint64_t pipe, const Status& status);

 private:
  struct Call {
    AgentRequest request;
    Done done;
    int64_t deadline_ns = 0;
    int64_t sent_ns = 0;
    int sent_attempt = 0;  // what the pipe was given; a later one may stand in its place
  };
  struct Pipe {
    enum class Stage : uint8_t { kConnecting, kReady, kDraining, kFinishing };
    std::shared_ptr<AgentPipe> pipe;
    size_t endpoint = 0;
    size_t slot = 0;
    Stage stage = Stage::kConnecting;
    int64_t since_ns = 0;  // of the stage
    bool aborted = false;
    std::unordered_map<std::string, Call> calls;  // by request id
  };
  struct Slot {
    uint64_t pipe = 0;         // 0 = none
    int64_t next_open_ns = 0;  // when there is none
    int failures = 0;          // to open, in a row
  };
  struct Endpoint {
    std::string name;
    CircuitBreaker breaker;
    CircuitBreaker::State seen = CircuitBreaker::State::kClosed;
    EndpointMetrics metrics;
    size_t in_flight = 0;
    bool complained = false;  // about not being reachable
    std::vector<Slot> slots;
  };
  using Queue = std::list<Call>;
  struct State {
    bool closing = false;
    bool flush_scheduled = false;
    bool sweep_scheduled = false;
    uint64_t next_pipe = 1;
    std::vector<Endpoint> endpoints;
    std::map<uint64_t, Pipe> pipes;
    Queue queue;  // not handed to any pipe yet
    std::unordered_map<std::string, Queue::iterator> queued;
    std::vector<std::shared_ptr<AgentPipe>> dead;  // destroyed on the I/O executor
    std::unique_ptr<PipeFactory> factory;
  };
  // What is done once the lock is released.
  using After = std::vector<std::function<void()>>;

  // Calls fn(State*, After*) under the lock, then what it left to do.
  template <typename Fn>
  void Run(Fn&& fn) {
    After after;
    state_.With([&](State* s) { fn(s, &after); });
    for (auto& work : after) work();
  }
  int64_t Now() const { return env_.clock->MonoNs(); }

  static Status BreakerIsOpen();
  // Taking requests.
  bool ReplaceQueued(State* s, Call* call);
  bool AdoptSent(State* s, After* after, Call* call);
  bool AnyAdmits(State* s, int64_t now);
  void Enqueue(State* s, Call call);
  void ScheduleFlush(State* s, After* after);
  // Handing them out.
  void Flush();
  void Dispatch(State* s, After* after);
  Pipe* Pick(State* s, const std::string& request_id, int64_t now);
  bool IsHeld(State* s, const std::string& request_id);
  // What becomes of them.
  void Take(State* s, After* after, Pipe* pipe, PipeReply reply, int64_t now);
  void DropCopies(State* s, After* after, const std::string& request_id);
  void Answer(After* after, Call* call, StatusOr<AgentReply> reply);
  void Count(Endpoint* endpoint, const Call& call, const StatusOr<AgentReply>& reply, int64_t now);
  // Pipes.
  void Open(State* s, size_t endpoint, size_t slot);
  void Reopen(State* s, Endpoint* endpoint, Slot* slot, int64_t served_ns);
  void StartDrain(State* s, After* after, Pipe* pipe);
  void FinishIfIdle(After* after, Pipe* pipe);
  void Fail(State* s, After* after, Endpoint* endpoint, int64_t began_ns, const Status& why);
  void NoteBreaker(After* after, Endpoint* endpoint, const Status& why);
  void FailQueue(State* s, After* after);
  void Bury(State* s, After* after, std::shared_ptr<AgentPipe> pipe);
  void Complain(After* after, Endpoint* endpoint, const Status& why);
  // Time.
  void ScheduleTick();
  void Tick();
  void ExpireQueue(State* s, After* after, int64_t now);
  void ExpireSent(State* s, After* after, int64_t now);
  void WatchPipes(State* s, After* after, int64_t now);
  void OpenDue(State* s, int64_t now);
  void SetGauges(State* s, int64_t now);

  const AgentPoolConfig config_;
  const Env env_;
  Guarded<State> state_;
  const std::shared_ptr<Notification> closed_ = std::make_shared<Notification>();
};

}  // namespace weir
