#include "agent/reason/memo_channel.h"

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/reason/memo_entry.h"
#include "engine/base/guarded.h"
#include "engine/base/log.h"

namespace weir {

namespace {
using Done = std::function<void(StatusOr<AgentReply>)>;
constexpr char kLookups[] = "weir_memo_lookups_total";
}  // namespace

class MemoChannel::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(const Env& env, std::shared_ptr<AgentChannel> reasoner, std::shared_ptr<Memo> memo,
       const MemoChannelOptions& options, MetricRegistry* metrics)
      : env_(env),
        behind_(Behind{std::move(reasoner), std::move(memo)}),
        options_(options),
        metrics_(metrics) {}

  // What is behind goes now, not when the last flight ends: flights hold this.
  void Close() {
    const Behind gone = behind_.With([](Behind* b) { return std::exchange(*b, Behind{}); });
  }

  void Decide(const AgentRequest& request, Done done) {
    const std::string key = MemoKey(options_.name_space, request.request_id, options_.versions);
    uint64_t flight = 0;
    switch (Board(key, &done, &flight)) {
      case Boarded::kFull:
        return done(Err(ErrorCode::kAgentCapacity, "too many questions are under way"));
      case Boarded::kJoined:
        return metrics_.Add("weir_memo_joined_total", {});
      case Boarded::kLeads:
        break;
    }
    Look(request, key, flight);
  }

 private:
  enum class Boarded { kLeads, kJoined, kFull };
  struct Flight {
    uint64_t id = 0;
    int64_t expires_ns = 0;
    std::vector<Done> waiting;
  };
  struct Behind {
    std::shared_ptr<AgentChannel> reasoner;
    std::shared_ptr<Memo> memo;
  };
  struct Flights {
    std::unordered_map<std::string, Flight> by_key;
    size_t waiters = 0;
    uint64_t next_id = 1;
  };
  // The answer of the memo and the end of its time: whichever is first goes on.
  struct Race {
    Guarded<bool> over{false};
    bool IsOver() {
      return over.With([](bool* is_over) { return *is_over; });
    }
    bool Win() {
      return over.With([](bool* is_over) { return !std::exchange(*is_over, true); });
    }
  };

  Behind behind() {
    return behind_.With([](Behind* b) { return *b; });
  }

  // Takes *done unless the channel is full.
  Boarded Board(const std::string& key, Done* done, uint64_t* id) {
    const int64_t now = env_.clock->MonoNs();
    return flights_.With([&](Flights* flights) {
      const auto it = flights->by_key.find(key);
      const bool known = it != flights->by_key.end();
      const bool full = flights->waiters >= options_.max_waiters ||
                        (!known && flights->by_key.size() >= options_.max_flights);
      if (full) return Boarded::kFull;
      Flight& flight = known ? it->second : flights->by_key[key];
      flight.waiting.push_back(std::move(*done));
      ++flights->waiters;
      if (known && now < flight.expires_ns) return Boarded::kJoined;
      flight.id = *id = flights->next_id++;
      flight.expires_ns = now + options_.max_flight_ms * 1'000'000;
      return Boarded::kLeads;
    });
  }

  void Look(const AgentRequest& request, const std::string& key, uint64_t flight) {
    const auto race = std::make_shared<Race>();
    const auto self = shared_from_this();
    const std::shared_ptr<Memo> memo = behind().memo;
    if (memo == nullptr) return Ask(request, key, flight);
    memo->Get(key, options_.timeout_ms,
              [self, race, request, key, flight](const std::optional<std::string>& bytes) {
                if (race->Win()) self->OnMemo(request, key, flight, bytes);
              });
    if (race->IsOver()) return;  // a memo in this process needs no timer
    env_.io->SubmitAfter(options_.timeout_ms, [self, race, request, key, flight] {
      if (!race->Win()) return;
      self->metrics_.Add(kLookups, {{"result", "late"}});
      self->Ask(request, key, flight);
    });
  }

  void OnMemo(const AgentRequest& request, const std::string& key, uint64_t flight,
              const std::optional<std::string>& bytes) {
    if (!bytes) {
      metrics_.Add(kLookups, {{"result", "miss"}});
      return Ask(request, key, flight);
    }
    const StatusOr<AgentReply> reply = DecodeMemoEntry(key, request.request_id, *bytes);
    if (!reply.ok()) {
      metrics_.Add(kLookups, {{"result", "corrupt"}});
      LogWarning("memo", FormatError(reply.status()));
      return Ask(request, key, flight);
    }
    metrics_.Add(kLookups, {{"result", "hit"}});
    Land(key, flight, reply);
  }

  void Ask(const AgentRequest& request, const std::string& key, uint64_t flight) {
    const std::shared_ptr<AgentChannel> reasoner = behind().reasoner;
    if (reasoner == nullptr) {
      return Land(key, flight, Err(ErrorCode::kAgentUnavailable, "the agent is going away"));
    }
    reasoner->Decide(request, [self = shared_from_this(), key, flight,
                               id = request.request_id](StatusOr<AgentReply> reply) {
      const std::shared_ptr<Memo> memo = self->behind().memo;
      if (reply.ok() && reply->request_id == id && memo != nullptr) {
        const int64_t now = self->env_.clock->NowMs();
        memo->Put(key, EncodeMemoEntry(key, *reply, now), self->options_.ttl_ms);
      }
      self->Land(key, flight, reply);
    });
  }

  // Answers all who wait. A flight that was given up and asked again is left to the newer one.
  void Land(const std::string& key, uint64_t id, const StatusOr<AgentReply>& reply) {
    const std::vector<Done> waiting = flights_.With([&](Flights* flights) {
      const auto it = flights->by_key.find(key);
      if (it == flights->by_key.end() || (it->second.id != id && !reply.ok())) {
        return std::vector<Done>();
      }
      std::vector<Done> all = std::move(it->second.waiting);
      flights->waiters -= all.size();
      flights->by_key.erase(it);
      return all;
    });
    for (size_t i = 0; i < waiting.size(); ++i) {
      StatusOr<AgentReply> copy = reply;
      // Paid for once: the first one's reply carries the tokens.
      if (copy.ok() && i > 0) copy->tokens_in = copy->tokens_out = 0;
      waiting[i](std::move(copy));
    }
  }

  const Env env_;
  Guarded<Behind> behind_;
  const MemoChannelOptions options_;
  SharedMetrics metrics_;
  Guarded<Flights> flights_;
};

MemoChannel::MemoChannel(const Env& env, std::shared_ptr<AgentChannel> reasoner,
                         std::shared_ptr<Memo> memo, const MemoChannelOptions& options,
                         MetricRegistry* metrics)
    : core_(std::make_shared<Core>(env, std::move(reasoner), std::move(memo), options, metrics)) {}

MemoChannel::~MemoChannel() { core_->Close(); }

void MemoChannel::Decide(const AgentRequest& request,
                         std::function<void(StatusOr<AgentReply>)> done) {
  core_->Decide(request, std::move(done));
}

}  // namespace weir
