// A broker with Kafka's behaviour, outside the simulated process: what it has taken survives the
// process's crash, and what is under way when the process dies may still happen.
//
// One writer per partition is a transactional producer (connectors/kafka): each append is a
// transaction that ends in a control record, so offsets have gaps; readers see committed records
// below the last stable offset only; opening a writer fences the one before and aborts what it left
// open. A leader change fails an append with a retriable error: nothing of it, or all of it,
// stands. Records may be lost at both ends of a partition, and a topic may be made again; readers
// notice what connectors/kafka notices, by bounds at every read and by the guard at the first.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/sim_world.h"
#include "engine/core/registry.h"

namespace weir {

class SimBroker {
 public:
  struct Record {
    LogAppend data;
    int64_t epoch = 0;
    int64_t transaction = 0;  // 0 = control record
  };
  struct Partition {
    std::vector<Record> records;      // by offset
    std::map<int64_t, bool> outcome;  // of transactions that ended: committed?
    int64_t open = 0;                 // transaction that has not ended, 0 = none
    int64_t producer = 0;             // newest; older ones are fenced
    int64_t epoch = 0;
    bool commit_in_flight = false;  // the open one may still be committed
    int64_t begin = 0;              // retention has taken what stood before
    int64_t read_to = 0;            // where the farthest reader goes on
    int64_t end() const { return static_cast<int64_t>(records.size()); }
  };

  SimBroker(SimWorld* world, uint64_t seed) : world_(world), random_(seed) {}

  // As another producer would: committed at once.
  void Produce(const std::string& topic, int partition, const std::vector<std::string>& lines);
  // Committed records, partitions ascending.
  std::vector<std::string> Lines(const std::string& topic) const;
  std::vector<std::string> Topics() const;

  // Retention: `begin` is the first offset that is left.
  static void Expire(Partition* p, int64_t begin) { p->begin = begin; }
  // An unclean leader change, or a topic made again (end 0): what stands from `end` on was never
  // there.
  static void Truncate(Partition* p, int64_t end);

  // How many appends may still fail with a leader change.
  void AllowFaults(int faults) { faults_left_ = faults; }
  int faults() const { return faults_; }

  // The log type of scheme "simkafka" that leads to this broker, as long as it lives.
  LogType Type();

  // For its clients.
  SimWorld* world() { return world_; }
  Partition* Find(const std::string& topic, int partition, bool create);
  std::map<std::pair<std::string, int>, Partition>& partitions() { return partitions_; }
  Random& random() { return random_; }
  bool FaultNow();
  int64_t NextNumber() { return ++numbers_; }

 private:
  SimWorld* world_;
  Random random_;
  std::map<std::pair<std::string, int>, Partition> partitions_;
  int faults_left_ = 0;
  int faults_ = 0;
  int64_t numbers_ = 0;
};

}  // namespace weir
