// Questions and orders to the brokers beside reading and writing: topics, their settings, offsets.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "connectors/kafka/settings.h"
#include "engine/base/clock.h"
#include "engine/base/guarded.h"
#include "engine/core/log_client.h"

namespace weir::kafka {

struct Bounds {
  int64_t begin = 0;  // of the first record that is still there
  int64_t end = 0;    // behind the last one that a read_committed reader may see
};

struct TopicInfo {
  int partitions = 0;  // 0 = there is no such topic
  int replication = 0;
  int brokers = 0;  // of the whole cluster
};

// Thread-safe. Every call waits for a broker that is away, up to kPatienceMs, and then fails with
// kLogIo. Brokers that have never answered and refuse us for kRefusedMs are not waited for:
// kConfigBadValue. Once they have known us, a refusal may be a broker that is coming up.
class Admin {
 public:
  static constexpr int64_t kPatienceMs = 60'000;
  static constexpr int64_t kRefusedMs = 3000;

  static StatusOr<std::unique_ptr<Admin>> Open(const Settings& settings, const Clock* clock);

  StatusOr<TopicInfo> Describe(const std::string& topic);
  // kLogMissing if there is no such partition.
  StatusOr<Bounds> BoundsOf(const std::string& topic, int partition);
  // Of the first record whose timestamp is not before `timestamp_ms`; -1 if there is none.
  StatusOr<int64_t> OffsetAtTime(const std::string& topic, int partition, int64_t timestamp_ms);
  // Ready for use when it returns; fine if it exists.
  Status Create(const TopicSpec& spec);
  // Raises the number of partitions to `partitions`.
  Status Grow(const std::string& topic, int partitions);
  // Gone when it returns; fine if it was not there.
  Status Delete(const std::string& topic);
  // A topic's settings as the broker sees them, defaults included.
  StatusOr<std::map<std::string, std::string>> SettingsOf(const std::string& topic);

 private:
  // What has become of our connections.
  struct Contact {
    bool made = false;     // a broker has answered
    bool refused = false;  // that was the last trouble
    int64_t since_ns = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string reason;
  };
  Admin(const Settings& settings, const Clock* clock) : settings_(settings), clock_(clock) {}
  static void OnError(rd_kafka_t*, int code, const char* reason, void* admin);
  // kUnavailable (without a number) while it is worth asking again.
  StatusOr<TopicInfo> TryDescribe(const std::string& topic, rd_kafka_topic_t* handle);
  // After a request that no broker has answered.
  Status CheckRefused();
  Status NoAnswer(const std::string& topic, const Status& last);
  StatusOr<int64_t> TryListOffset(const std::string& topic, int partition, int64_t logical_or_time);
  StatusOr<int64_t> ListOffset(const std::string& topic, int partition, int64_t logical_or_time);
  // Waits until metadata shows `partitions` of them, each with a leader.
  Status AwaitPartitions(const std::string& topic, int partitions);
  // Sends one admin request by `send` and waits for its answer.
  template <typename Send>
  StatusOr<Event> Ask(rd_kafka_admin_op_t op, Send send, const std::string& what);
  void Pause(int ms);

  const Settings settings_;
  const Clock* clock_;
  Guarded<Contact> contact_;
  Client client_;  // calls OnError as long as it lives
};

}  // namespace weir::kafka
