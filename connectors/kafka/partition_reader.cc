#include "connectors/kafka/partition_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "connectors/kafka/topic_producer.h"
#include "engine/base/log.h"

namespace weir::kafka {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kWaitMs = 100;  // for the first records, or for the end
constexpr size_t kBatch = 1000;

std::string_view ValueOf(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.payload == nullptr ? 0 : message.len};
}

int64_t TimestampOf(const rd_kafka_message_t& message) {
  return std::max<int64_t>(0, rd_kafka_message_timestamp(&message, nullptr));
}

std::string_view HeaderOf(const rd_kafka_headers_t* headers, const char* name) {
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return {};
  }
  return {static_cast<const char*>(value), size};
}

}  // namespace

PartitionReader::PartitionReader(ReaderParts parts, std::string topic, int partition,
                                 const LogPosition& from)
    : parts_(std::move(parts)), topic_(std::move(topic)), partition_(partition), at_(from) {
  quiet_since_ns_ = read_ns_ = parts_.clock->MonoNs();
}

PartitionReader::~PartitionReader() { StopFetching(true); }

std::string PartitionReader::Place() const { return absl::StrCat(topic_, "/", partition_); }

Status PartitionReader::Read(const LogReadOptions& options, LogChunk* out) {
  out->items.clear();
  out->meta.clear();
  out->lead = 0;
  out->at_end = false;
  out->guards_records = true;
  const bool only_position = at_.offset == LogPosition::kEnd || at_.offset == LogPosition::kAtTime;
  const int64_t now = parts_.clock->MonoNs();
  quiet_since_ns_ += now - read_ns_;  // nobody asked meanwhile
  if (!begun_) {
    caught_up_ = false;
    WEIR_RETURN_IF_ERROR(Begin());
  }
  if (begun_ && !only_position) WEIR_RETURN_IF_ERROR(Fill(options));
  out->first = at_;
  Build(options, out);
  out->next = at_;
  out->at_end = caught_up_ && pending_.empty() && !only_position;
  out->behind = Behind();
  read_ns_ = parts_.clock->MonoNs();
  if (!out->items.empty() || caught_up_) quiet_since_ns_ = read_ns_;
  return CheckStall();
}

// What the newest fetch has told of the partition's end; nothing is asked for it.
int64_t PartitionReader::Behind() const {
  if (caught_up_ && pending_.empty()) return 0;
  int64_t begin = 0, end = RD_KAFKA_OFFSET_INVALID;
  if (client_ == nullptr ||
      rd_kafka_get_watermark_offsets(client_.get(), topic_.c_str(), partition_, &begin, &end) !=
          RD_KAFKA_RESP_ERR_NO_ERROR ||
      end < 0) {
    return -1;
  }
  return std::max<int64_t>(0, end - at_.offset);
}

Status PartitionReader::CheckStall() {
  if (read_ns_ - quiet_since_ns_ < kStallMs * kNsPerMs) return absl::OkStatus();
  return Err(ErrorCode::kLogIo, absl::StrCat(Place(), ": nothing came for ", kStallMs / 1000, " s",
                                             trouble_.ok() ? "" : ": ", trouble_.message()));
}

Status PartitionReader::Begin() {
  WEIR_ASSIGN_OR_RETURN(const Bounds bounds, parts_.admin->BoundsOf(topic_, partition_));
  WEIR_RETURN_IF_ERROR(Resolve(bounds));
  WEIR_RETURN_IF_ERROR(CheckBounds(bounds));
  // Without the guarded record nothing can be compared: retention has taken it.
  verify_ = at_.guard != 0 && at_.bytes >= bounds.begin && at_.bytes < at_.offset;
  const int64_t from = verify_ ? at_.bytes : at_.offset;
  // Most partitions that are read to their end after a restart have nothing new: no fetch for them.
  if (from >= bounds.end && !std::exchange(looked_, true)) {
    caught_up_ = true;
    return absl::OkStatus();
  }
  caught_up_ = false;
  WEIR_RETURN_IF_ERROR(StartFetching(from));
  begun_ = true;
  return absl::OkStatus();
}

Status PartitionReader::Resolve(const Bounds& bounds) {
  if (at_.offset == LogPosition::kBegin) at_ = {bounds.begin, 0, 0};
  if (at_.offset == LogPosition::kEnd) at_ = {bounds.end, 0, 0};
  if (at_.offset != LogPosition::kAtTime) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const int64_t offset,
                        parts_.admin->OffsetAtTime(topic_, partition_, at_.bytes));
  at_ = {offset < 0 ? bounds.end : std::min(offset, bounds.end), 0, 0};
  return absl::OkStatus();
}

Status PartitionReader::CheckBounds(const Bounds& bounds) const {
  if (at_.offset < bounds.begin) {
    return Err(ErrorCode::kLogTruncated,
               absl::StrCat(Place(), ": the next record is at offset ", at_.offset,
                            ", but the log begins at ", bounds.begin),
               "keep records longer than the job may stand still; to go on with what is left, "
               "start it with --fresh");
  }
  if (at_.offset > bounds.end) {
    return Err(ErrorCode::kLogTruncated,
               absl::StrCat(Place(), ": ends at offset ", bounds.end, ", but ", at_.offset,
                            " was reached before"),
               "the topic was deleted and made again, or lost records");
  }
  return absl::OkStatus();
}

Status PartitionReader::StartFetching(int64_t offset) {
  WEIR_ASSIGN_OR_RETURN(client_, parts_.pool->Take());
  handle_.reset(rd_kafka_topic_new(client_.get(), topic_.c_str(), nullptr));
  queue_.reset(rd_kafka_queue_new(client_.get()));
  // What a client from the pool knows of the topic may be old.
  const struct rd_kafka_metadata* raw = nullptr;
  if (rd_kafka_metadata(client_.get(), 0, handle_.get(), &raw, 5000) == 0) Metadata{raw}.reset();
  if (rd_kafka_consume_start_queue(handle_.get(), partition_, offset, queue_.get()) == 0) {
    return absl::OkStatus();
  }
  const rd_kafka_resp_err_t code = rd_kafka_last_error();
  queue_.reset();
  handle_.reset();
  parts_.pool->Drop(std::move(client_));
  return KafkaError(code, Place());
}

void PartitionReader::StopFetching(bool healthy) {
  taken_.clear();
  pending_.clear();
  pending_bytes_ = 0;
  begun_ = caught_up_ = false;
  if (client_ == nullptr) return;
  rd_kafka_consume_stop(handle_.get(), partition_);
  queue_.reset();
  handle_.reset();
  if (healthy) {
    parts_.pool->GiveBack(std::move(client_));
  } else {
    parts_.pool->Drop(std::move(client_));
  }
}

Status PartitionReader::Fill(const LogReadOptions& options) {
  taken_.clear();
  size_t bytes = 0;
  for (;;) {
    if (pending_.empty()) Pull(taken_.empty() && !caught_up_ ? kWaitMs : 0);
    if (pending_.empty()) return absl::OkStatus();
    const rd_kafka_message_t& front = *pending_.front();
    if (front.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      // The records before it first.
      if (front.err != RD_KAFKA_RESP_ERR__PARTITION_EOF && !taken_.empty()) {
        return absl::OkStatus();
      }
      const Message event = std::move(pending_.front());
      pending_.pop_front();
      WEIR_RETURN_IF_ERROR(TakeEvent(*event));
      if (!begun_ || caught_up_) return absl::OkStatus();
      continue;
    }
    if (!taken_.empty() && bytes + front.len > options.max_bytes) return absl::OkStatus();
    caught_up_ = false;
    if (verify_) WEIR_RETURN_IF_ERROR(CheckGuard(front));
    bytes += front.len;
    // Before the position stand the guarded record and, in a compressed batch, what comes with it.
    if (front.offset >= at_.offset) taken_.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
}

void PartitionReader::Pull(int wait_ms) {
  rd_kafka_message_t* batch[kBatch];
  // A batch call waits until it is full or its time is over: what is there is asked for at once.
  ssize_t n = rd_kafka_consume_batch_queue(queue_.get(), 0, batch, kBatch);
  if (n <= 0 && wait_ms > 0) n = rd_kafka_consume_batch_queue(queue_.get(), wait_ms, batch, 1);
  for (ssize_t i = 0; i < n; ++i) pending_.emplace_back(batch[i]);
}

Status PartitionReader::TakeEvent(const rd_kafka_message_t& event) {
  switch (event.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (verify_) return GuardIsGone(event.offset);
      caught_up_ = true;
      // Control records and what was taken back stand between the last record and the end: skipped,
      // so that retention may take them.
      if (taken_.empty()) at_.offset = std::max(at_.offset, event.offset);
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Lost(event);
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return KafkaError(event.err, Place(), rd_kafka_message_errstr(&event));
    default:
      // Brokers come and go. Begin anew at our position; kStallMs is the bound.
      trouble_ = KafkaError(event.err, Place(), rd_kafka_message_errstr(&event));
      LogInfo("kafka", FormatError(trouble_));
      StopFetching(false);
      return absl::OkStatus();
  }
}

// Asks what is there now: that tells retention from truncation, and both from a broker that has
// only just come up.
Status PartitionReader::Lost(const rd_kafka_message_t& event) {
  trouble_ = KafkaError(event.err, Place(), rd_kafka_message_errstr(&event));
  StopFetching(false);
  WEIR_ASSIGN_OR_RETURN(const Bounds bounds, parts_.admin->BoundsOf(topic_, partition_));
  return CheckBounds(bounds);
}

Status PartitionReader::CheckGuard(const rd_kafka_message_t& message) {
  if (message.offset > at_.bytes) return GuardIsGone(message.offset);
  if (message.offset < at_.bytes) return absl::OkStatus();
  verify_ = false;
  LogItem item{message.offset, ValueOf(message), TimestampOf(message)};
  if (RecordGuardOf(item) == at_.guard) return absl::OkStatus();
  return Err(ErrorCode::kLogReplaced,
             absl::StrCat(Place(), ": the record at offset ", at_.bytes,
                          " is not the one that was read before"),
             "the topic was deleted and made again");
}

// A compacted topic may lose any record; in every other one a record that was committed stays.
Status PartitionReader::GuardIsGone(int64_t found) {
  WEIR_ASSIGN_OR_RETURN(const auto settings, parts_.admin->SettingsOf(topic_));
  const auto policy = settings.find("cleanup.policy");
  const bool compacted =
      policy != settings.end() && policy->second.find("compact") != std::string::npos;
  WEIR_ASSIGN_OR_RETURN(const Bounds bounds, parts_.admin->BoundsOf(topic_, partition_));
  if (compacted || at_.bytes < bounds.begin) {
    verify_ = false;
    return CheckBounds(bounds);
  }
  return Err(ErrorCode::kLogReplaced,
             absl::StrCat(Place(), ": the record at offset ", at_.bytes,
                          " that was read before is not there; the next one is at ", found),
             "the topic was deleted and made again");
}

void PartitionReader::Build(const LogReadOptions& options, LogChunk* out) {
  size_t bytes = kLogReadPadding;
  for (const Message& message : taken_) {
    bytes += std::min(message->len, std::max(kMaxRecordBytes, kOversizedPrefix));
  }
  out->buffer.clear();
  out->buffer.reserve(bytes);  // no view may move
  out->items.reserve(taken_.size());
  for (const Message& message : taken_) {
    std::string_view value = ValueOf(*message);
    LogItem item{};
    item.offset = message->offset;
    item.oversized = value.size() > kMaxRecordBytes;
    if (item.oversized) value = value.substr(0, kOversizedPrefix);
    item.value = std::string_view(out->buffer.data() + out->buffer.size(), value.size());
    item.timestamp_ms = TimestampOf(*message);
    out->buffer.append(value);
    out->items.push_back(item);
  }
  out->buffer.append(kLogReadPadding, '\0');
  if (options.with_meta) AddMeta(options, out);
  if (!out->items.empty()) {
    const LogItem& last = out->items.back();
    const int64_t end = caught_up_ ? std::max(at_.offset, last.offset + 1) : last.offset + 1;
    at_ = {end, last.offset, RecordGuardOf(last)};
  }
  taken_.clear();
}

void PartitionReader::AddMeta(const LogReadOptions& /*options*/, LogChunk* out) {
  std::vector<std::pair<size_t, size_t>> ids(out->items.size());
  out->meta.reserve(kLogReadPadding);  // on the heap: views survive a move of the chunk
  for (size_t i = 0; i < taken_.size(); ++i) {
    rd_kafka_headers_t* headers = nullptr;
    ids[i] = {out->meta.size(), 0};
    if (rd_kafka_message_headers(taken_[i].get(), &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const std::string_view id = HeaderOf(headers, kEffectHeader);
    out->meta.append(id);
    ids[i].second = id.size();
    (void)absl::SimpleAtoi(ToAbsl(HeaderOf(headers, kEpochHeader)), &out->items[i].epoch);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    out->items[i].effect_id = std::string_view(out->meta).substr(ids[i].first, ids[i].second);
  }
}

}  // namespace weir::kafka
