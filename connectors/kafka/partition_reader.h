// The reading side of one partition.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/admin.h"
#include "connectors/kafka/reader_pool.h"
#include "engine/core/log_client.h"

namespace weir::kafka {

// What the readers of a client share, and what outlives it with them.
struct ReaderParts {
  const Clock* clock;
  std::shared_ptr<Admin> admin;
  std::shared_ptr<ReaderPool> pool;
};

// Begins at its position without a consumer group, takes whole batches from the partition's own
// queue and never pauses or seeks: in 2.0.2 that loses records (reliability 2.8). When nobody
// reads, the queue fills and librdkafka stops fetching: that is the back-pressure.
//
// Position: `bytes` is the offset of the record before it and `guard` that record's RecordGuardOf.
// A topic that was deleted and made again has other records there, or fewer, and is noticed.
class PartitionReader : public LogReader {
 public:
  // Longer values are handed out as their beginning, marked `oversized`.
  static constexpr size_t kMaxRecordBytes = size_t{32} << 20;
  static constexpr size_t kOversizedPrefix = size_t{64} << 10;
  // How long a partition may give neither records nor its end.
  static constexpr int64_t kStallMs = 120'000;

  PartitionReader(ReaderParts parts, std::string topic, int partition, const LogPosition& from);
  ~PartitionReader() override;
  Status Read(const LogReadOptions& options, LogChunk* out) override;

 private:
  // Finds out where to begin and whether the log is still the one that was read before.
  Status Begin();
  Status Resolve(const Bounds& bounds);
  Status CheckBounds(const Bounds& bounds) const;
  // Starts to fetch at `offset`.
  Status StartFetching(int64_t offset);
  void StopFetching(bool healthy);
  Status Fill(const LogReadOptions& options);
  // Takes what is queued; waits `wait_ms` for the first if nothing is.
  void Pull(int wait_ms);
  // The front of pending_ is no record.
  Status TakeEvent(const rd_kafka_message_t& event);
  Status Lost(const rd_kafka_message_t& event);
  Status CheckGuard(const rd_kafka_message_t& message);
  Status GuardIsGone(int64_t found);
  Status CheckStall();
  int64_t Behind() const;
  void Build(const LogReadOptions& options, LogChunk* out);
  void AddMeta(const LogReadOptions& options, LogChunk* out);
  std::string Place() const;

  const ReaderParts parts_;
  const std::string topic_;
  const int partition_;
  LogPosition at_;
  bool begun_ = false;
  bool verify_ = false;         // the record under the guard has not been seen yet
  bool caught_up_ = false;      // the last thing that came was the end of the partition
  bool looked_ = false;         // one look at the end was answered without fetching
  int64_t quiet_since_ns_ = 0;  // time during which nobody read does not count
  int64_t read_ns_ = 0;         // when the last Read ended
  Status trouble_;              // what the last transient error said

  Client client_;
  Topic handle_;
  Queue queue_;
  std::deque<Message> pending_;
  size_t pending_bytes_ = 0;
  std::vector<Message> taken_;  // behind the items of the chunk that is being built
};

}  // namespace weir::kafka
