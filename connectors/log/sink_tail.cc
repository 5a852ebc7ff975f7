#include "connectors/log/sink_tail.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"
#include "engine/base/log.h"

namespace weir {
namespace {

constexpr char kPieceVersion = 1;

std::string EndPrefix(const std::string& topic) { return absl::StrCat("end/", topic, "/"); }
std::string TailPrefix(const std::string& topic) { return absl::StrCat("tail/", topic, "/"); }

Status Corrupt(const StatePiece& piece) {
  return Err(ErrorCode::kStateCorrupt, absl::StrCat("sink: piece ", piece.name, " is malformed"));
}

Status ReadEnd(const StatePiece& piece, std::string_view number, TailPlan* plan) {
  int partition = -1;
  std::from_chars(number.data(), number.data() + number.size(), partition);
  ByteReader in(piece.bytes);
  const int64_t end = in.Signed();
  if (partition < 0 || !in.ok() || !in.AtEnd()) return Corrupt(piece);
  plan->ends[partition] = end;
  return absl::OkStatus();
}

struct TailPiece {
  int64_t expected = 0;
  int64_t met = 0;
  int64_t age_ms = 0;
  std::map<int, int64_t> from;

  std::string Encode() const {
    std::string bytes(1, kPieceVersion);
    for (const int64_t v : {expected, met, age_ms}) PutSigned(&bytes, v);
    PutVarint(&bytes, from.size());
    for (const auto& [partition, offset] : from) {
      PutSigned(&bytes, partition);
      PutSigned(&bytes, offset);
    }
    return bytes;
  }
  bool Decode(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.Byte() != kPieceVersion) return false;
    for (int64_t* v : {&expected, &met, &age_ms}) *v = in.Signed();
    for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
      const auto partition = static_cast<int>(in.Signed());
      from[partition] = in.Signed();
    }
    return in.ok() && in.AtEnd();
  }
};

}  // namespace

EffectKey EffectKeyOf(std::string_view effect_id) {
  return {HashBytes(effect_id, 0), HashBytes(effect_id, 1)};
}

StatePiece EndPiece(const std::string& topic, int partition, int64_t end) {
  std::string bytes;
  PutSigned(&bytes, end);
  return {absl::StrCat(EndPrefix(topic), partition), std::move(bytes)};
}

StatusOr<TailPlan> ReadTailPlan(const std::vector<StatePiece>& pieces, const std::string& topic,
                                int64_t settle_ms) {
  TailPlan plan;
  TailPiece all;
  for (const StatePiece& piece : pieces) {
    const std::string_view name = piece.name;
    if (name.starts_with(EndPrefix(topic))) {
      WEIR_RETURN_IF_ERROR(ReadEnd(piece, name.substr(EndPrefix(topic).size()), &plan));
    }
    if (!name.starts_with(TailPrefix(topic))) continue;
    TailPiece one;
    if (!one.Decode(piece.bytes)) return Corrupt(piece);
    all.expected = std::max(all.expected, one.expected);
    all.met += one.met;
    all.age_ms = std::max(all.age_ms, one.age_ms);
    for (const auto& [partition, offset] : one.from) {
      const auto [it, added] = all.from.emplace(partition, offset);
      if (!added) it->second = std::min(it->second, offset);
    }
  }
  if (all.met >= all.expected || all.age_ms > settle_ms) return plan;
  plan.from = std::move(all.from);
  plan.expected = all.expected - all.met;
  plan.age_ms = all.age_ms;
  return plan;
}

StatusOr<std::shared_ptr<SinkTail>> SinkTail::Load(const TailRequest& request) {
  const LogScope scope(request.operator_uid, request.subtask);
  auto tail = std::make_shared<SinkTail>();
  tail->expected_ = request.plan.expected;
  tail->age_ms_ = request.plan.age_ms;
  WEIR_ASSIGN_OR_RETURN(tail->writer_,
                        request.log->OpenWriter(request.topic, request.subtask, request.epoch));
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, request.log->Partitions(request.topic));
  for (const auto& [partition, end] : request.plan.ends) {
    if (end > 0 && !std::binary_search(partitions.begin(), partitions.end(), partition)) {
      return Err(ErrorCode::kLogMissing,
                 absl::StrCat(request.topic, "/", partition, ": the checkpoint knows ", end,
                              " records of it"));
    }
  }
  for (const int partition : partitions) {
    // Whatever an older incarnation still has under way fails from here on, in every partition.
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<LogWriter> writer,
                          request.log->OpenWriter(request.topic, partition, request.epoch));
    // What stands there is not written again, so it must not be lost any more.
    WEIR_RETURN_IF_ERROR(writer->Sync());
    WEIR_ASSIGN_OR_RETURN(tail->ends_[partition], writer->EndOffset());
  }
  for (const int partition : partitions) {
    if (WEIR_PLANTED_BUG("tail-unread")) break;
    WEIR_RETURN_IF_ERROR(tail->ReadPartition(request, partition));
  }
  return tail;
}

Status SinkTail::ReadPartition(const TailRequest& request, int partition) {
  const std::string where = absl::StrCat(request.topic, "/", partition);
  const auto recorded = request.plan.ends.find(partition);
  const int64_t known_end = recorded == request.plan.ends.end() ? 0 : recorded->second;
  const int64_t end = ends_[partition];
  if (end < known_end) {
    return Err(ErrorCode::kLogTruncated, absl::StrCat(where, ": holds ", end, " records, but ",
                                                      known_end, " at the checkpoint"));
  }
  const auto earlier = request.plan.from.find(partition);
  const int64_t from = earlier == request.plan.from.end() ? known_end : earlier->second;
  from_[partition] = from;
  if (from >= end) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> reader,
                        request.log->OpenReader(request.topic, partition,
                                                {from == 0 ? LogPosition::kBegin : from, -1, 0}));
  LogReadOptions options;
  options.with_meta = true;
  LogChunk chunk;
  do {
    WEIR_RETURN_IF_ERROR(reader->Read(options, &chunk));
    for (const LogItem& item : chunk.items) {
      // Another subtask of this incarnation may have begun to write already.
      const bool ours = partition != request.subtask && item.epoch == request.epoch;
      if (item.effect_id.empty() || item.offset >= end || ours) continue;
      WEIR_RETURN_IF_ERROR(Remember(item, item.offset >= known_end, where));
    }
  } while (!chunk.at_end && chunk.next.offset < end);
  return absl::OkStatus();
}

Status SinkTail::Remember(const LogItem& item, bool counts, const std::string& where) {
  if (effects_.size() >= kMaxEffects) {
    if (!std::exchange(overflown_, true)) {
      LogWarning("sink", where + ": too much was written since the checkpoint to compare it all");
    }
    return absl::OkStatus();
  }
  const uint64_t hash = HashBytes(item.value);
  const auto [it, added] = effects_.emplace(EffectKeyOf(item.effect_id), hash);
  if (added && counts) ++expected_;
  if (it->second == hash) return absl::OkStatus();
  return Err(ErrorCode::kLogConflict,
             absl::StrCat(where, " at offset ", item.offset, ": effect ", ToAbsl(item.effect_id),
                          " was published before with other bytes"));
}

StatusOr<bool> SinkTail::Repeats(std::string_view effect_id, std::string_view bytes) {
  if (effects_.empty() || effect_id.empty()) return false;
  const auto it = effects_.find(EffectKeyOf(effect_id));
  if (it == effects_.end()) return false;
  if (it->second != HashBytes(bytes)) {
    return Err(ErrorCode::kLogConflict,
               absl::StrCat("effect ", ToAbsl(effect_id),
                            " stands in the log with other bytes than it has now"),
               "was the job changed, or does an operator emit what does not follow from its "
               "input and state alone? Start with --fresh, or set delivery: exactly_once");
  }
  effects_.erase(it);
  ++met_;
  return true;
}

void SinkTail::AddPiece(const std::string& topic, int subtask, int64_t running_ms,
                        int64_t settle_ms, SnapshotPart* part) {
  if (expected_ == 0) return;
  TailPiece piece{expected_, met_, age_ms_ + running_ms, from_};
  if (piece.age_ms > settle_ms) {
    effects_ = {};
    expected_ = 0;
    return;
  }
  part->Add({absl::StrCat(TailPrefix(topic), subtask), piece.Encode()});
}

}  // namespace weir
