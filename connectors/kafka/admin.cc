#include "connectors/kafka/admin.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "connectors/kafka/refusal.h"

namespace weir::kafka {
namespace {

constexpr int kRequestMs = 10'000;
constexpr int kFirstRequestMs = 2000;  // so that a refusal is seen soon
constexpr int kAdminMs = 60'000;
constexpr int64_t kOffsetMs = 60'000;
constexpr int64_t kNsPerMs = 1'000'000;

std::string Place(const std::string& topic, int partition) {
  return absl::StrCat(topic, "/", partition);
}

bool WorthAsking(const Status& status) {
  return absl::IsUnavailable(status) && ErrorNumber(status) == 0;
}

Status NoSuchPartition(const std::string& topic, int partition) {
  return Err(ErrorCode::kLogMissing,
             absl::StrCat(Place(topic, partition), ": there is no such partition"));
}

// Of an admin request about one topic.
Status ResultOf(const rd_kafka_topic_result_t* const* results, size_t count,
                rd_kafka_resp_err_t fine, const std::string& what) {
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == fine) continue;
    const char* detail = rd_kafka_topic_result_error_string(results[i]);
    return KafkaError(code, what, detail == nullptr ? "" : detail);
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<Admin>> Admin::Open(const Settings& settings, const Clock* clock) {
  std::unique_ptr<Admin> admin(new Admin(settings, clock));
  WEIR_ASSIGN_OR_RETURN(admin->client_, NewObserved(settings, OnError, admin.get()));
  return admin;
}

// Called once in 30 s for one and the same trouble.
void Admin::OnError(rd_kafka_t*, int code, const char* reason, void* admin) {
  auto* self = static_cast<Admin*>(admin);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  // A summary of what was said before.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  self->contact_.With([&](Contact* state) {
    const bool refused = IsRefusal(error, reason);
    if (refused && !state->refused) state->since_ns = self->clock_->MonoNs();
    state->refused = refused;
    state->code = error;
    state->reason = reason;
  });
}

Status Admin::CheckRefused() {
  rd_kafka_poll(client_.get(), 0);  // runs OnError
  const int64_t before_ns = clock_->MonoNs() - kRefusedMs * kNsPerMs;
  return contact_.With([&](Contact* state) {
    if (state->made || !state->refused || state->since_ns > before_ns) return absl::OkStatus();
    return RefusalError(settings_, state->code, state->reason);
  });
}

Status Admin::NoAnswer(const std::string& topic, const Status& last) {
  const Contact contact = contact_.With([](Contact* state) { return *state; });
  return Err(ErrorCode::kLogIo,
             absl::StrCat(topic, ": no answer from ", settings_.bootstrap, ": ",
                          contact.reason.empty() ? last.message() : ToAbsl(contact.reason)),
             contact.made ? "" : "is this its address, and does it want TLS? (security=sasl_ssl)");
}

// Nothing ever comes into this queue: the only way to wait that librdkafka offers.
void Admin::Pause(int ms) {
  const Queue nothing(rd_kafka_queue_new(client_.get()));
  const Event none(rd_kafka_queue_poll(nothing.get(), ms));
}

StatusOr<TopicInfo> Admin::TryDescribe(const std::string& topic, rd_kafka_topic_t* handle) {
  const bool known = contact_.With([](Contact* state) { return state->made; });
  const struct rd_kafka_metadata* raw = nullptr;
  const rd_kafka_resp_err_t code =
      rd_kafka_metadata(client_.get(), 0, handle, &raw, known ? kRequestMs : kFirstRequestMs);
  const Metadata metadata(raw);
  WEIR_RETURN_IF_ERROR(CheckRefused());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (!IsTransient(code)) return KafkaError(code, topic);
    return absl::UnavailableError(rd_kafka_err2str(code));
  }
  contact_.With([](Contact* state) {
    *state = Contact();
    state->made = true;
  });
  if (metadata->topic_cnt != 1) return absl::UnavailableError("an answer without the topic");
  const rd_kafka_metadata_topic_t& t = metadata->topics[0];
  if (t.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return TopicInfo();
  // A broker that has just come up may not know its topics yet.
  if (IsTransient(t.err)) return absl::UnavailableError(rd_kafka_err2str(t.err));
  if (t.err != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(t.err, topic);
  TopicInfo info{t.partition_cnt, 0, metadata->broker_cnt};
  if (t.partition_cnt > 0) info.replication = t.partitions[0].replica_cnt;
  return info;
}

StatusOr<TopicInfo> Admin::Describe(const std::string& topic) {
  const int64_t deadline = clock_->MonoNs() + kPatienceMs * kNsPerMs;
  const Topic handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  for (;;) {
    StatusOr<TopicInfo> info = TryDescribe(topic, handle.get());
    if (!WorthAsking(info.status())) return info;
    if (clock_->MonoNs() > deadline) return NoAnswer(topic, info.status());
    Pause(100);
  }
}

StatusOr<int64_t> Admin::TryListOffset(const std::string& topic, int partition,
                                       int64_t logical_or_time) {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* at =
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  at->offset = logical_or_time;
  // Not rd_kafka_query_watermark_offsets: in 2.0.2 that one may wait for ever (#4460).
  rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client_.get(), list.get(), kRequestMs);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = at->err;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return at->offset;
  if (IsTransient(code)) return absl::UnavailableError(rd_kafka_err2str(code));
  const Status error = KafkaError(code, Place(topic, partition));
  if (ErrorNumber(error) != static_cast<int>(ErrorCode::kLogMissing)) return error;
  // What this client remembers of the topic may be old: ask the broker.
  WEIR_ASSIGN_OR_RETURN(const TopicInfo info, Describe(topic));
  if (partition >= info.partitions) return NoSuchPartition(topic, partition);
  return absl::UnavailableError("the partition is being created");
}

StatusOr<int64_t> Admin::ListOffset(const std::string& topic, int partition,
                                    int64_t logical_or_time) {
  const int64_t deadline = clock_->MonoNs() + kOffsetMs * kNsPerMs;
  for (;;) {
    StatusOr<int64_t> offset = TryListOffset(topic, partition, logical_or_time);
    if (!WorthAsking(offset.status())) return offset;
    if (clock_->MonoNs() > deadline) {
      return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, Place(topic, partition));
    }
    Pause(100);
  }
}

StatusOr<Bounds> Admin::BoundsOf(const std::string& topic, int partition) {
  Bounds bounds;
  WEIR_ASSIGN_OR_RETURN(bounds.begin, ListOffset(topic, partition, RD_KAFKA_OFFSET_BEGINNING));
  WEIR_ASSIGN_OR_RETURN(bounds.end, ListOffset(topic, partition, RD_KAFKA_OFFSET_END));
  return bounds;
}

StatusOr<int64_t> Admin::OffsetAtTime(const std::string& topic, int partition,
                                      int64_t timestamp_ms) {
  return ListOffset(topic, partition, std::max<int64_t>(0, timestamp_ms));
}

template <typename Send>
StatusOr<Event> Admin::Ask(rd_kafka_admin_op_t op, Send send, const std::string& what) {
  const Queue answers(rd_kafka_queue_new(client_.get()));
  const AdminOptions options(rd_kafka_AdminOptions_new(client_.get(), op));
  char reason[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kAdminMs, reason, sizeof(reason));
  send(options.get(), answers.get());
  Event event(rd_kafka_queue_poll(answers.get(), 2 * kAdminMs));
  if (event == nullptr) return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  if (const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get())) {
    return KafkaError(code, what, rd_kafka_event_error_string(event.get()));
  }
  return event;
}

Status Admin::Create(const TopicSpec& spec) {
  const std::string what = absl::StrCat("cannot create topic ", spec.topic);
  char reason[256];
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(spec.topic.c_str(), spec.partitions,
                                                     settings_.replication, reason, sizeof(reason));
  if (topic == nullptr) return Err(ErrorCode::kLogIo, absl::StrCat(what, ": ", reason));
  if (spec.use == TopicSpec::Use::kInternal) {
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
    rd_kafka_NewTopic_set_config(topic, "retention.bytes", "-1");
    // Their timestamps are event times, which brokers refuse when they are ahead of the clock.
    rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "LogAppendTime");
  }
  StatusOr<Event> event = Ask(
      RD_KAFKA_ADMIN_OP_CREATETOPICS,
      [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_CreateTopics(client_.get(), &topic, 1, options, queue);
      },
      what);
  rd_kafka_NewTopic_destroy(topic);
  WEIR_RETURN_IF_ERROR(event.status());
  size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  WEIR_RETURN_IF_ERROR(ResultOf(results, count, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, what));
  return AwaitPartitions(spec.topic, spec.partitions);
}

Status Admin::Grow(const std::string& topic, int partitions) {
  const std::string what =
      absl::StrCat("cannot give topic ", topic, " ", partitions, " partitions");
  char reason[256];
  rd_kafka_NewPartitions_t* more = rd_kafka_NewPartitions_new(
      topic.c_str(), static_cast<size_t>(partitions), reason, sizeof(reason));
  if (more == nullptr) return Err(ErrorCode::kLogIo, absl::StrCat(what, ": ", reason));
  StatusOr<Event> event = Ask(
      RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
      [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_CreatePartitions(client_.get(), &more, 1, options, queue);
      },
      what);
  rd_kafka_NewPartitions_destroy(more);
  WEIR_RETURN_IF_ERROR(event.status());
  size_t count = 0;
  const auto* results = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event->get()), &count);
  // Somebody else may have raised it meanwhile; what counts is what metadata says then.
  const Status asked = ResultOf(results, count, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, what);
  WEIR_RETURN_IF_ERROR(asked);
  return AwaitPartitions(topic, partitions);
}

Status Admin::AwaitPartitions(const std::string& topic, int partitions) {
  const int64_t deadline = clock_->MonoNs() + kAdminMs * kNsPerMs;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const TopicInfo info, Describe(topic));
    if (info.partitions >= partitions && BoundsOf(topic, partitions - 1).ok()) {
      return absl::OkStatus();
    }
    if (clock_->MonoNs() > deadline) {
      return Err(ErrorCode::kLogIo,
                 absl::StrCat(topic, ": ", partitions, " partitions were asked for, but only ",
                              info.partitions, " appear"));
    }
    Pause(50);
  }
}

Status Admin::Delete(const std::string& topic) {
  const std::string what = absl::StrCat("cannot delete topic ", topic);
  rd_kafka_DeleteTopic_t* gone = rd_kafka_DeleteTopic_new(topic.c_str());
  StatusOr<Event> event = Ask(
      RD_KAFKA_ADMIN_OP_DELETETOPICS,
      [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteTopics(client_.get(), &gone, 1, options, queue);
      },
      what);
  rd_kafka_DeleteTopic_destroy(gone);
  WEIR_RETURN_IF_ERROR(event.status());
  size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
  WEIR_RETURN_IF_ERROR(ResultOf(results, count, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, what));
  const int64_t deadline = clock_->MonoNs() + kAdminMs * kNsPerMs;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const TopicInfo info, Describe(topic));
    if (info.partitions == 0) return absl::OkStatus();
    if (clock_->MonoNs() > deadline) {
      return Err(ErrorCode::kLogIo, absl::StrCat(what, ": it is still there"));
    }
    Pause(50);
  }
}

StatusOr<std::map<std::string, std::string>> Admin::SettingsOf(const std::string& topic) {
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  const std::string what = absl::StrCat("cannot read the settings of topic ", topic);
  StatusOr<Event> event = Ask(
      RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
      [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DescribeConfigs(client_.get(), &resource, 1, options, queue);
      },
      what);
  rd_kafka_ConfigResource_destroy(resource);
  WEIR_RETURN_IF_ERROR(event.status());
  size_t count = 0;
  const auto* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  std::map<std::string, std::string> settings;
  for (size_t i = 0; i < count; ++i) {
    if (const rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[i])) {
      return KafkaError(code, what);
    }
    size_t entries = 0;
    const auto* configs = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (size_t k = 0; k < entries; ++k) {
      const char* value = rd_kafka_ConfigEntry_value(configs[k]);
      settings[rd_kafka_ConfigEntry_name(configs[k])] = value == nullptr ? "" : value;
    }
  }
  return settings;
}

}  // namespace weir::kafka
