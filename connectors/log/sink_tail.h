// What a sink had written behind the checkpoint that it restores from, so that none of it is
// written a second time (DESIGN promise 2, reliability I-3).
//
// After a restore the job emits again what it had emitted since the checkpoint. The records in the
// log behind the checkpoint's end carry their effect ids, so a repeated output is recognised. The
// same subtask need not repeat it, so every subtask reads all partitions.
//
// The next checkpoint may come before everything has been repeated. Until it has, checkpoints go on
// to say where this tail began, and how many of its records each subtask has met again: once that
// is all of them the tail is settled, and a later restore reads from that checkpoint's end only.
// Some may never come again (an answer that turned out otherwise in the replay), so the tail also
// counts as settled when the job has run for `settle_ms` since.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/core/log_client.h"
#include "engine/core/operator.h"

namespace weir {

struct EffectKey {
  uint64_t high = 0, low = 0;
  bool operator==(const EffectKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const EffectKey& k) {
    return H::combine(std::move(h), k.high, k.low);
  }
};
EffectKey EffectKeyOf(std::string_view effect_id);

// What the pieces of a checkpoint say. Without pieces: a fresh start, everything counts as tail.
struct TailPlan {
  std::map<int, int64_t> ends;  // by partition: where the log ended at the barrier
  std::map<int, int64_t> from;  // where an unsettled tail began, before that
  int64_t expected = 0;         // records of the unsettled tail that were not met again
  int64_t age_ms = 0;           // of the unsettled tail
};
StatusOr<TailPlan> ReadTailPlan(const std::vector<StatePiece>& pieces, const std::string& topic,
                                int64_t settle_ms);
StatePiece EndPiece(const std::string& topic, int partition, int64_t end);

struct TailRequest {
  LogClient* log;
  std::shared_ptr<LogClient> keep;  // of `log`, if it is not the job's
  std::string topic;
  std::string operator_uid;
  int subtask = 0;
  int64_t epoch = 0;
  TailPlan plan;
};

class SinkTail {
 public:
  static constexpr size_t kMaxEffects = size_t{8} << 20;  // beyond: at least once, same ids

  // Opens the subtask's writer, fences and recovers all partitions, reads their tails. Blocks.
  // kLogTruncated or kLogMissing if the log has less than the checkpoint says; kLogConflict.
  static StatusOr<std::shared_ptr<SinkTail>> Load(const TailRequest& request);

  const std::shared_ptr<LogWriter>& writer() const { return writer_; }
  const std::map<int, int64_t>& ends() const { return ends_; }  // of the log when it was read

  // True if this output stands in the log already. kLogConflict if it does with other bytes. Each
  // output is asked for once.
  StatusOr<bool> Repeats(std::string_view effect_id, std::string_view bytes);
  // What the checkpoint must remember of the tail; nothing once it is settled.
  void AddPiece(const std::string& topic, int subtask, int64_t running_ms, int64_t settle_ms,
                SnapshotPart* part);

 private:
  Status ReadPartition(const TailRequest& request, int partition);
  Status Remember(const LogItem& item, bool counts, const std::string& where);

  std::shared_ptr<LogWriter> writer_;
  std::map<int, int64_t> ends_;
  std::map<int, int64_t> from_;
  absl::flat_hash_map<EffectKey, uint64_t> effects_;  // hash of the bytes
  bool overflown_ = false;
  int64_t expected_ = 0;
  int64_t met_ = 0;
  int64_t age_ms_ = 0;
};

}  // namespace weir
