// What writes one topic: a transactional producer whose id is the job's and the topic's, so that
// its start fences whatever an older incarnation may still have under way (DESIGN D9, D10).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "connectors/kafka/settings.h"
#include "engine/base/clock.h"
#include "engine/base/guarded.h"
#include "engine/core/log_client.h"

namespace weir::kafka {

// Thread-safe; one transaction at a time. After an error nobody knows what the topic holds, so
// every call fails until a writer opens the topic anew: that settles what was under way.
class TopicProducer {
 public:
  // Waits for the end of the transaction that an older incarnation had open, if any.
  static StatusOr<std::shared_ptr<TopicProducer>> Open(const Settings& settings, const Clock* clock,
                                                       const std::string& topic, int64_t epoch);

  // One transaction of these records. Returns the first one's offset; -1 without records.
  StatusOr<int64_t> Append(int partition, std::span<const LogAppend> records);
  // Behind the last record that this object has appended to the partition; 0 if none.
  int64_t AppendedEnd(int partition);
  // OK while appends may succeed.
  Status Usable();
  // A newer epoch of this process owns the topic, or the topic is gone.
  void Close(const Status& reason);
  int64_t epoch() const { return epoch_; }

 private:
  struct State {
    Client client;
    Status broken;
    std::map<int, int64_t> ends;
  };
  struct Transaction;
  TopicProducer(const Settings& settings, const Clock* clock, std::string topic, int64_t epoch)
      : settings_(settings), clock_(clock), topic_(std::move(topic)), epoch_(epoch) {}
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*);
  Status Run(State* state, Transaction* transaction);
  Status Produce(rd_kafka_t* client, Transaction* transaction);
  Status Commit(rd_kafka_t* client, const Transaction& transaction);
  // A record was not taken by the client or by the broker.
  Status NotTaken(rd_kafka_resp_err_t code, int partition, size_t bytes) const;
  // An error of a transaction call; fatal ones name their cause.
  Status ErrorOf(rd_kafka_t* client, const rd_kafka_error_t* error, const char* what) const;

  const Settings settings_;
  const Clock* clock_;
  const std::string topic_;
  const int64_t epoch_;
  Guarded<State> state_;
};

// Headers of our records.
inline constexpr char kEffectHeader[] = "weir-effect-id";
inline constexpr char kEpochHeader[] = "weir-epoch";
inline constexpr char kOriginHeader[] = "weir-origin";  // source/partition/offset#output

}  // namespace weir::kafka
