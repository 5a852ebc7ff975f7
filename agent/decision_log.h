// The home of "the first decision wins" (DESIGN D16): an internal topic, one partition per key
// group. Nothing derived from a decision leaves before it is durable here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/decision.h"
#include "agent/lazy_log_writer.h"
#include "engine/core/async_log.h"
#include "engine/core/operator.h"

namespace weir {

// Belongs to the task's thread; reads and writes run on the I/O executor and come back as mail.
class DecisionLog {
 public:
  struct Config {
    std::string topic;
    int64_t epoch = 0;
    KeyGroupRange groups;
    Executor* io = nullptr;
    MailHandle mail;
    LogClient* client = nullptr;
    // After this the log is of no more use.
    std::function<void(const Status&)> fail;
    // True if keyed state holds the decision: then what the log says is known already.
    std::function<bool(uint16_t group, const Decision&)> recorded;
  };
  explicit DecisionLog(Config config);
  ~DecisionLog();

  // Takes this subtask's positions out of a checkpoint's pieces; before Start.
  Status Restore(const std::vector<StatePiece>& pieces);
  // Fences older incarnations and reads from the positions to the end; then calls `ready`.
  void Start(std::function<void()> ready);
  bool ready() const { return ready_; }

  // The decision that an earlier incarnation made durable and keyed state does not hold yet.
  const Decision* Find(const std::string& request_id) const;
  // Keyed state holds it now.
  void Forget(const std::string& request_id);
  size_t known() const { return known_.size(); }

  // `durable` runs once the decision survives power loss.
  void Append(uint16_t group, const Decision& decision, std::function<void()> durable);
  bool idle() const { return appending_ == 0; }

  // Where a restore must begin to read: behind what keyed state has recorded by now.
  void Snapshot(SnapshotPart* part) const;

 private:
  struct Partition {
    std::shared_ptr<LazyLogWriter> lazy;
    std::unique_ptr<AsyncLogWriter> writer;
    LogPosition next;
    std::map<int64_t, LogPosition> unrecorded;  // known decisions by offset
  };
  struct Known {
    Decision decision;
    int partition;
    int64_t offset;
  };
  struct Found;  // what the first I/O job learns

  Partition* At(int partition);
  void OnFound(const Found& found);
  void ReadNext();
  void OnRead(const Status& status);
  Status Take(int partition, const LogChunk& chunk);

  Config config_;
  std::map<int, Partition> partitions_;
  std::unordered_map<std::string, Known> known_;
  std::function<void()> on_ready_;
  bool ready_ = false;
  std::vector<int> to_read_;  // back first
  std::unique_ptr<AsyncLogReader> reader_;
  LogChunk chunk_;
  size_t appending_ = 0;
};

}  // namespace weir
