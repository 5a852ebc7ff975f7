// A writer that opens its partition at the first call, on the thread that calls: opening blocks,
// and most of a topic's partitions are never written to.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "engine/core/log_client.h"

namespace weir {

// Used by one AsyncLogWriter, which makes one call at a time.
class LazyLogWriter : public LogWriter {
 public:
  LazyLogWriter(LogClient* client, std::string topic, int partition, int64_t epoch)
      : client_(client), topic_(std::move(topic)), partition_(partition), epoch_(epoch) {}

  StatusOr<int64_t> Append(std::span<const LogAppend> records) override {
    WEIR_RETURN_IF_ERROR(Open());
    return writer_->Append(records);
  }
  Status Sync() override {
    WEIR_RETURN_IF_ERROR(Open());
    return writer_->Sync();
  }
  StatusOr<int64_t> EndOffset() override {
    WEIR_RETURN_IF_ERROR(Open());
    return writer_->EndOffset();
  }
  // Opens now, which also fences writers of older epochs.
  Status Open() {
    if (writer_ != nullptr) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(writer_, client_->OpenWriter(topic_, partition_, epoch_));
    return absl::OkStatus();
  }

 private:
  LogClient* client_;
  std::string topic_;
  int partition_;
  int64_t epoch_;
  std::shared_ptr<LogWriter> writer_;
};

}  // namespace weir
