// The source on a log: one subtask of it (DESIGN section 2, "A record").
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/log/log_options.h"
#include "connectors/log/row_emitter.h"
#include "engine/core/async_log.h"
#include "engine/core/operator.h"

namespace weir {

// Port 0: rows of options.schema. Port 1: dead letters (dead_letters.h).
//
// Checkpoint: a piece "split/<topic>/<partition>" for each of its splits, and "known/<topic>" once
// it has looked for partitions: those found later have records that nobody skipped, so they are
// read from their beginning whatever `start` says.
class LogSource : public Source {
 public:
  explicit LogSource(LogSourceOptions options);
  ~LogSource() override;

  Status Open(OperatorContext* context, Collector* out) override;
  Status Restore(const std::vector<StatePiece>& pieces) override;
  StatusOr<PollResult> Poll() override;
  bool Started() override { return known_now_; }
  Status Snapshot(const std::shared_ptr<SnapshotPart>& part) override;
  void Drain() override;

 private:
  struct Split;
  struct RestoredSplit;
  // One that needs the start position of a split, which is being looked up.
  struct WaitingSnapshot {
    std::shared_ptr<SnapshotPart> part;
    int64_t output_ms;  // the watermark at its barrier
  };
  Status RestoreSplit(const StatePiece& piece, int partition, int64_t* floor);
  void AddSplit(int partition, const RestoredSplit& from);
  bool IsMine(int partition) const;
  void Discover(int64_t now_ns);
  // Of a partition that stood there when the job first began.
  LogPosition FirstPosition(int partition) const;
  void OnPartitions(const StatusOr<std::vector<int>>& partitions);
  void OnRead(Split* split, const Status& status);
  void Take(Split* split, int64_t now_ns);
  void StartRead(Split* split);
  // The next split that has records, in turns; nullptr if none has.
  Split* NextSplit(int64_t now_ns);
  void CheckIdle(Split* split, int64_t now_ns);
  // Nothing can be read now: says what is known about event time and when to look again.
  void Rest(int64_t now_ns);
  StatePiece PieceOf(const Split& split, int64_t output_ms) const;
  void Resolve(Split* split);
  bool AllIdle() const;
  bool AllFinished() const;
  bool AllResolved() const;
  void FinishSnapshots();
  void End();
  // Shows what is still to be emitted, up to the end of the log when it was last looked at.
  void CountLag();
  LogClient* log() const;

  const LogSourceOptions options_;
  OperatorContext* context_ = nullptr;
  Collector* out_ = nullptr;
  SplitWatermarks watermarks_;
  RowEmitter emitter_;
  Gauge* lag_records_ = nullptr;
  std::map<int, std::unique_ptr<Split>> splits_;  // by partition
  std::map<int, std::unique_ptr<Split>>::iterator turn_ = splits_.end();
  std::shared_ptr<LogSource*> self_;  // reached from mail; null for it once this is destroyed
  std::vector<WaitingSnapshot> waiting_;
  int64_t next_discovery_ns_ = 0;
  bool discovering_ = false;
  bool known_ = false;  // partitions have been looked for, in this run or one before
  bool known_now_ = false;
  bool draining_ = false;
  bool ended_ = false;
};

}  // namespace weir
