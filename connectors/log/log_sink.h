// The sink on a log: rows as JSON or in another format, each with a stable effect id (DESIGN
// promise 2).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/log/held_output.h"
#include "connectors/log/log_options.h"
#include "connectors/log/sink_tail.h"
#include "engine/core/async_log.h"
#include "engine/core/operator.h"

namespace weir {

// Names a row for ever: by the job, the sink and what caused it, not by when or where it came out.
// Rows without a root record have no name of this kind: "".
class EffectNamer {
 public:
  EffectNamer() = default;
  EffectNamer(const std::string& job, const std::string& sink_uid);
  std::string Name(const Origin& origin, uint32_t emit) const;

 private:
  uint64_t seeds_[2] = {0, 0};
};

// One input, no outputs. Subtask n writes partition n. A checkpoint is finished when everything
// before its barrier is appended and synced (reliability I-7); with exactly_once when everything
// before its barrier is part of it, and it is appended once the checkpoint is complete.
class LogSink : public Operator {
 public:
  explicit LogSink(LogSinkOptions options);

  Status Open(OperatorContext* context, Collector* out) override;
  Status Restore(const std::vector<StatePiece>& pieces) override;
  bool CanAccept() override;
  Status Process(int input, RecordBatch batch) override;
  Status Snapshot(const std::shared_ptr<SnapshotPart>& part) override;
  Status OnEndOfInput() override;
  void OnCheckpointComplete(int64_t id) override;
  bool Committed() override { return held_.unwritten() == 0; }

 private:
  enum class Phase : uint8_t { kNew, kLoading, kReady };
  LogClient* log();
  // Reads what stands in the log; input waits until that is done.
  void EnsureLoaded();
  void OnLoaded(StatusOr<std::shared_ptr<SinkTail>> tail);
  // Runs `step` now, or in its turn once loading is done.
  Status InOrder(std::function<Status()> step);
  RecordBatch Project(RecordBatch batch);
  Status Write(const RecordBatch& batch);
  Status Hold(std::vector<LogAppend> records);
  Status Append(std::vector<LogAppend> records);
  // Writes what checkpoint `id` and those before it cover.
  Status Commit(int64_t id);
  void OnAppended(const StatusOr<int64_t>& first, int64_t records);
  Status TakeSnapshot(const std::shared_ptr<SnapshotPart>& part);
  void AddEnds(SnapshotPart* part, int64_t own_end);
  void Failed(const Status& status);

  const LogSinkOptions options_;
  std::unique_ptr<RecordEncoder> encoder_;  // null = JSON
  EffectNamer namer_;
  TailPlan plan_;
  Phase phase_ = Phase::kNew;
  std::shared_ptr<LogSink*> self_;  // reached from mail; gone once this is destroyed
  std::vector<std::function<Status()>> deferred_;
  std::shared_ptr<SinkTail> tail_;
  std::unique_ptr<AsyncLogWriter> writer_;
  int64_t loaded_ns_ = 0;
  int64_t end_ = 0;  // of our partition, as far as appends are acknowledged
  HeldOutput held_;  // exactly_once
  bool checkpoint_wanted_ = false;
  int64_t held_end_ = 0;  // end_ without what held_ still holds
  SchemaPtr projected_;
  Counter* records_ = nullptr;
  Counter* bytes_ = nullptr;
  Counter* deduplicated_ = nullptr;
  Counter* errors_ = nullptr;
};

}  // namespace weir
