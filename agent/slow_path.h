// The life of a request: asked, decided, durable, recorded, its rule applied, its waiters released.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/agent_loop_parts.h"
#include "agent/attempts.h"
#include "agent/decider.h"
#include "agent/event_view.h"
#include "agent/late_replies.h"
#include "agent/masking.h"
#include "agent/result_queue.h"

namespace weir {

class SlowPath {
 public:
  // `view` is the slow path's own. `after_mail` runs at the end of every mail that it gets.
  SlowPath(const AgentLoopParts& parts, ResultQueue* results, std::unique_ptr<EventView> view,
           Masking masking, Decider decider, std::shared_ptr<AgentChannel> channel,
           std::function<void()> after_mail);

  // Takes up the flights of a restored state; Resume, once the decision log is read, goes on with
  // their requests: first what the log knows, the rest is asked again under the same id.
  Status RestoreFlights();
  void Resume();

  // The row must be asked about. `waiter` is its pending entry if it waited, else 0.
  void Escalate(const EventView& view, const RecordBatch& batch, size_t row, int64_t waiter);
  // An event was answered or passed: a late rule must not reach back over it.
  void NoteAnswered(const EventView& view, const RecordBatch& batch, size_t row) {
    if (!late_.empty()) late_.NoteAnswered(view.signatures()[row], batch, row);
  }

  // The rule log has delivered this rule, whatever became of it.
  void OnRule(const std::string& rule_key);
  // The next flight whose waiters are to be evaluated again, or nullptr.
  Flight* NextRelease();
  // All of its waiters are gone.
  void CloseReleased(Flight* flight);

  // Sends what has a place; at the end of every turn.
  void Pump();
  void OnWake();
  int64_t next_wake_ns() const { return attempts_.next_ns(); }

  // True while the agent has a place for another request.
  bool HasCapacity() const { return !attempts_.full() && attempts_.unsent() == 0; }
  bool idle() const;
  size_t in_flight() const { return attempts_.in_flight(); }
  size_t undecided() const {
    return attempts_.in_flight() + attempts_.unsent() + appending_.size();
  }

 private:
  void Consult(int64_t sequence, bool restored);
  void Send(int64_t sequence);
  void OnReply(int64_t sequence, const std::string& request_id, const StatusOr<AgentReply>& reply);
  bool IsOpen(int64_t sequence, const std::string& request_id);
  void DecideByFailSafe(int64_t sequence, const Status& cause, int attempt);
  void OnLateReply(const std::string& request_id, const StatusOr<AgentReply>& reply);
  void HandleTwice(const std::string& request_id, const AgentReply& reply);
  LateReplies::Entry MakeLate(int64_t sequence);
  Decision StartDecision(int64_t sequence, int attempt);
  Trigger MakeTrigger(const std::string& request_id);
  void Append(int64_t sequence, const Decision& decision);
  void Record(int64_t sequence, const Decision& decision);
  void Settle(int64_t sequence, const Decision& decision);
  void AwaitRule(Flight* flight, const Rule& rule);
  void Release(Flight* flight);
  // Decodes the entry's event into scratch_ and loads it into view_.
  void Load(const std::string& row);

  AgentLoopParts p_;
  ResultQueue* results_;
  std::unique_ptr<EventView> view_;
  Masking masking_;
  Decider decider_;
  std::shared_ptr<AgentChannel> channel_;
  std::function<void()> after_mail_;
  Attempts attempts_;
  LateReplies late_;
  RecordBatch scratch_;
  std::set<int64_t> appending_;  // their decision is on its way to the log
  std::unordered_map<int64_t, int64_t> asked_ms_;
  std::deque<std::string> to_release_;                // signatures
  std::multimap<std::string, std::string> awaiting_;  // rule key -> signature
};

}  // namespace weir
