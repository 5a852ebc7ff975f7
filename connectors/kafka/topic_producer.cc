#include "connectors/kafka/topic_producer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fail_point.h"

namespace weir::kafka {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kOpenMs = 60'000;
// Shorter than transaction.timeout.ms, so that we and not the broker give up first.
constexpr int64_t kTransactionMs = 40'000;
constexpr int kAbortMs = 5000;
constexpr int kMetadataMs = 5000;
constexpr int kRefreshes = 100;  // 50 ms apart at least

// What the client knows of the topic is up to date afterwards, if a broker answers.
void Refresh(rd_kafka_t* client, rd_kafka_topic_t* topic) {
  const struct rd_kafka_metadata* raw = nullptr;
  if (rd_kafka_metadata(client, 0, topic, &raw, kMetadataMs) == 0) Metadata{raw}.reset();
}

// Headers of our records; the caller's until a message takes them.
rd_kafka_headers_t* NewHeaders(const LogAppend& record, const std::string& epoch) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(3);
  const auto add = [headers](const char* name, const std::string& value) {
    rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size()));
  };
  add(kEpochHeader, epoch);
  if (!record.effect_id.empty()) add(kEffectHeader, record.effect_id);
  if (record.origin.offset < 0) return headers;
  add(kOriginHeader, absl::StrCat(record.origin.source, "/", record.origin.partition, "/",
                                  record.origin.offset, "#", record.emit));
  return headers;
}

size_t LargestOf(std::span<const LogAppend> records) {
  size_t bytes = 0;
  for (const LogAppend& record : records) bytes = std::max(bytes, record.value.size());
  return bytes;
}

}  // namespace

struct TopicProducer::Transaction {
  int partition;
  std::span<const LogAppend> records;
  int64_t deadline_ns;
  // Filled by delivery reports, which come on the thread that waits for them.
  int64_t first = -1;
  int64_t last = -1;
  size_t delivered = 0;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  Topic topic = nullptr;

  int RemainingMs(const Clock* clock) const {
    return static_cast<int>(std::max<int64_t>(1, (deadline_ns - clock->MonoNs()) / kNsPerMs));
  }
};

StatusOr<std::shared_ptr<TopicProducer>> TopicProducer::Open(const Settings& settings,
                                                             const Clock* clock,
                                                             const std::string& topic,
                                                             int64_t epoch) {
  std::shared_ptr<TopicProducer> producer(new TopicProducer(settings, clock, topic, epoch));
  WEIR_ASSIGN_OR_RETURN(Client client,
                        NewProducer(settings, TransactionalId(settings, topic), OnDelivery));
  const int64_t deadline = clock->MonoNs() + kOpenMs * kNsPerMs;
  for (;;) {
    const int left = static_cast<int>((deadline - clock->MonoNs()) / kNsPerMs);
    const Error error(rd_kafka_init_transactions(client.get(), std::max(1, left)));
    if (error == nullptr) break;
    if (rd_kafka_error_is_retriable(error.get()) && left > 0) continue;
    return producer->ErrorOf(client.get(), error.get(), "cannot take over");
  }
  // Asked for now: the first record of a topic that is not known yet waits up to a second (#5032).
  const Topic handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  Refresh(client.get(), handle.get());
  producer->state_.With([&](State* state) { state->client = std::move(client); });
  return producer;
}

void TopicProducer::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* transaction = static_cast<Transaction*>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    transaction->error = message->err;
    return;
  }
  ++transaction->delivered;
  if (transaction->first < 0) transaction->first = message->offset;
  transaction->first = std::min(transaction->first, message->offset);
  transaction->last = std::max(transaction->last, message->offset);
}

StatusOr<int64_t> TopicProducer::Append(int partition, std::span<const LogAppend> records) {
  WEIR_SIM_POINT("log.append.before");
  return state_.With([&](State* state) -> StatusOr<int64_t> {
    WEIR_RETURN_IF_ERROR(state->broken);
    Transaction transaction{partition, records, clock_->MonoNs() + kTransactionMs * kNsPerMs};
    transaction.topic.reset(rd_kafka_topic_new(state->client.get(), topic_.c_str(), nullptr));
    if (Status status = Run(state, &transaction); !status.ok()) {
      state->broken = status;
      // Best effort: the next incarnation settles it in any case. Messages that are still queued
      // refer to `transaction`: with the client they are gone.
      const Error ignored(rd_kafka_abort_transaction(state->client.get(), kAbortMs));
      rd_kafka_purge(state->client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_flush(state->client.get(), kAbortMs);
      transaction.topic.reset();
      state->client.reset();
      return status;
    }
    if (!records.empty()) state->ends[partition] = transaction.last + 1;
    return transaction.first;
  });
}

Status TopicProducer::Run(State* state, Transaction* transaction) {
  if (transaction->records.empty()) return absl::OkStatus();
  // Checked here: from which size on librdkafka refuses a record depends on its version.
  const size_t largest = LargestOf(transaction->records);
  if (largest > static_cast<size_t>(settings_.max_record_bytes)) {
    return NotTaken(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, transaction->partition, largest);
  }
  rd_kafka_t* client = state->client.get();
  const Error begun(rd_kafka_begin_transaction(client));
  if (begun != nullptr) return ErrorOf(client, begun.get(), "cannot begin a transaction");
  WEIR_RETURN_IF_ERROR(Produce(client, transaction));
  WEIR_SIM_POINT("log.sync.before");
  WEIR_RETURN_IF_ERROR(Commit(client, *transaction));
  WEIR_SIM_POINT("log.sync.after");
  if (transaction->delivered == transaction->records.size()) return absl::OkStatus();
  return KafkaError(transaction->error, absl::StrCat(topic_, "/", transaction->partition, ": only ",
                                                     transaction->delivered, " of ",
                                                     transaction->records.size(), " written"));
}

Status TopicProducer::Produce(rd_kafka_t* client, Transaction* transaction) {
  const std::string epoch = absl::StrCat(epoch_);
  for (const LogAppend& record : transaction->records) {
    rd_kafka_headers_t* headers = NewHeaders(record, epoch);
    for (int refreshed = 0;;) {
      const rd_kafka_resp_err_t code = rd_kafka_producev(
          client, RD_KAFKA_V_RKT(transaction->topic.get()),
          RD_KAFKA_V_PARTITION(transaction->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
          RD_KAFKA_V_KEY(record.key.empty() ? nullptr : record.key.data(), record.key.size()),
          RD_KAFKA_V_TIMESTAMP(std::max<int64_t>(0, record.timestamp_ms)),
          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(transaction), RD_KAFKA_V_END);
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      const bool full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
      const bool is_new = code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && ++refreshed <= kRefreshes;
      if ((!full && !is_new) || clock_->MonoNs() > transaction->deadline_ns) {
        rd_kafka_headers_destroy(headers);
        return NotTaken(code, transaction->partition, record.value.size());
      }
      // Room comes with delivery reports; a partition that the topic has grown by, with metadata.
      if (is_new) Refresh(client, transaction->topic.get());
      rd_kafka_poll(client, 50);
    }
  }
  return absl::OkStatus();
}

// A commit that has timed out is resumed by the same call; its outcome is not known before.
Status TopicProducer::Commit(rd_kafka_t* client, const Transaction& transaction) {
  for (;;) {
    const Error error(rd_kafka_commit_transaction(client, transaction.RemainingMs(clock_)));
    if (error == nullptr) return absl::OkStatus();
    if (!rd_kafka_error_is_retriable(error.get()) || clock_->MonoNs() > transaction.deadline_ns) {
      if (transaction.error != RD_KAFKA_RESP_ERR_NO_ERROR &&
          rd_kafka_fatal_error(client, nullptr, 0) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return NotTaken(transaction.error, transaction.partition, LargestOf(transaction.records));
      }
      return ErrorOf(client, error.get(), "cannot commit");
    }
  }
}

// Trying again would not help, unlike with most that brokers refuse.
Status TopicProducer::NotTaken(rd_kafka_resp_err_t code, int partition, size_t bytes) const {
  const std::string place = absl::StrCat(topic_, "/", partition);
  if (code != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) return KafkaError(code, place);
  return Err(
      ErrorCode::kRecordTooLarge,
      absl::StrCat(place, ": a record of ", bytes, " bytes is too large: max_record_bytes is ",
                   settings_.max_record_bytes, ", or the topic's max.message.bytes is less"),
      "raise max_record_bytes=N in the log's URL, and max.message.bytes of the topic to as "
      "much; or write less with the sink's fields");
}

Status TopicProducer::ErrorOf(rd_kafka_t* client, const rd_kafka_error_t* error,
                              const char* what) const {
  const std::string place = absl::StrCat(topic_, ": ", what);
  char reason[512] = "";
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client, reason, sizeof(reason));
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(fatal, place, reason);
  return KafkaError(rd_kafka_error_code(error), place, rd_kafka_error_string(error));
}

int64_t TopicProducer::AppendedEnd(int partition) {
  return state_.With([&](State* state) {
    const auto it = state->ends.find(partition);
    return it == state->ends.end() ? 0 : it->second;
  });
}

Status TopicProducer::Usable() {
  return state_.With([](State* state) { return state->broken; });
}

void TopicProducer::Close(const Status& reason) {
  state_.With([&](State* state) {
    if (state->broken.ok()) state->broken = reason;
    state->client.reset();
  });
}

}  // namespace weir::kafka
