// Where a Kafka is, who we are to it, and every option that we give librdkafka.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka/handles.h"
#include "engine/base/env.h"
#include "engine/base/status.h"

namespace weir::kafka {

struct Settings {
  std::string bootstrap;             // host:port[,host:port]
  std::string owner;                 // the job
  int replication = -1;              // of topics that we create; -1 = the brokers' default
  int max_record_bytes = 1'000'000;  // of a record with its key and headers
  std::vector<std::pair<std::string, std::string>> security;  // librdkafka's names; may be secret
  std::vector<std::string> written;  // the same as they stand in the URL, which holds no secret
};

// kafka://host:port[,host:port][?name=value&...]; the names are in README.md. Secrets are not taken
// from the URL but from the environment variable or file that it names. kConfigBadValue.
StatusOr<Settings> ParseUrl(const Env& env, const std::string& url, const std::string& owner);

// An option and why it has this value: Debian's librdkafka 2.0.2 has defaults that lose data, and
// another version may have others, so none is left to chance (reliability 2.8).
struct Option {
  const char* name;
  const char* value;
  const char* why;
};
const std::vector<Option>& CommonOptions();
const std::vector<Option>& ConsumerOptions();
const std::vector<Option>& ProducerOptions();

// Prefetched bytes of one partition, in kB.
inline constexpr int kMaxQueueKb = 64 << 10;
inline constexpr int kMinQueueKb = 4 << 10;

// Clients of the three kinds. kConfigBadValue if librdkafka refuses an option; nothing is connected
// yet when they return.
StatusOr<Client> NewConsumer(const Settings& settings, int queue_kb);
using ErrorCallback = void (*)(rd_kafka_t*, int code, const char* reason, void* opaque);
// One that tells what goes wrong with its connections, on the thread that calls rd_kafka_poll.
StatusOr<Client> NewObserved(const Settings& settings, ErrorCallback on_error, void* opaque);
using DeliveryCallback = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);
StatusOr<Client> NewProducer(const Settings& settings, const std::string& transactional_id,
                             DeliveryCallback on_delivery);

// The name on the brokers of the job as a writer of the topic.
std::string TransactionalId(const Settings& settings, const std::string& topic);

// What librdkafka says, as an error of the log.
Status KafkaError(rd_kafka_resp_err_t code, const std::string& what,
                  const std::string& detail = {});
// The broker may be back in a moment.
bool IsTransient(rd_kafka_resp_err_t code);

}  // namespace weir::kafka
