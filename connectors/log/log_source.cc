#include "connectors/log/log_source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/bytes.h"
#include "engine/base/fail_point.h"
#include "engine/base/metric_catalog.h"

namespace weir {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// How often the end of a log that grows is looked at.
constexpr int64_t kMinPollMs = 2;  // doubles while nothing comes
constexpr int64_t kMaxPollMs = 200;
// What all splits of a subtask may hold in chunks, two per split; at least kMinChunkBytes each.
constexpr size_t kReadAheadBytes = size_t{32} << 20;
constexpr size_t kMinChunkBytes = size_t{64} << 10;
constexpr char kPieceVersion = 1;

std::string SplitPrefix(const std::string& topic) { return absl::StrCat("split/", topic, "/"); }
std::string KnownName(const std::string& topic) { return absl::StrCat("known/", topic); }

}  // namespace

// What a checkpoint holds of a split.
struct LogSource::RestoredSplit {
  LogPosition position{LogPosition::kBegin, -1, 0};
  int64_t watermark = kNoTimestamp;
  int64_t output_ms = kNoTimestamp;  // the subtask's watermark at the barrier
  bool idle = false;

  std::string Encode() const {
    std::string bytes(1, kPieceVersion);
    std::string place;
    EncodePosition(position, &place);
    PutBytes(&bytes, place);
    PutSigned(&bytes, watermark);
    PutSigned(&bytes, output_ms);
    bytes.push_back(idle ? 1 : 0);
    return bytes;
  }
  bool Decode(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.Byte() != kPieceVersion) return false;
    if (!DecodePosition(in.Bytes(), &position)) return false;
    watermark = in.Signed();
    output_ms = in.Signed();
    idle = in.Byte() != 0;
    return in.ok() && in.AtEnd();
  }
};

struct LogSource::Split {
  Split(int partition, const LogSourceOptions& options, const RestoredSplit& from)
      : rows{partition,
             0,
             BoundedOutOfOrderness(options.out_of_orderness_ms, from.watermark),
             IdlenessTimer(options.idleness_ms),
             {},
             0},
        resolved(from.position.offset != LogPosition::kEnd &&
                 from.position.offset != LogPosition::kAtTime) {
    rows.chunk.next = from.position;
  }
  LogPosition position() const { return PositionAt(rows.chunk, rows.next); }
  // Every record up to the end of the log has been emitted.
  bool finished() const { return rows.empty() && rows.chunk.at_end; }

  SplitRows rows;
  std::unique_ptr<AsyncLogReader> reader;
  bool resolved;  // the position is a place in the log, not "the end, wherever that is"
  int64_t next_read_ns = 0;
  int64_t poll_ms = kMinPollMs;
  size_t skip = 0;
  Gauge* lag_records = nullptr;
};

LogSource::LogSource(LogSourceOptions options)
    : options_(std::move(options)),
      watermarks_(options_.all_idle),
      self_(std::make_shared<LogSource*>(this)) {}

LogSource::~LogSource() = default;

Status LogSource::Open(OperatorContext* context, Collector* out) {
  context_ = context;
  out_ = out;
  lag_records_ = context->metrics()->GetGauge("weir_source_lag_records", context->labels());
  lag_records_->Set(kUnsetGauge);
  return emitter_.Open(options_, context, out, &watermarks_);
}

LogClient* LogSource::log() const {
  return options_.log != nullptr ? options_.log.get() : context_->log();
}

bool LogSource::IsMine(int partition) const {
  return partition % context_->info().parallelism == context_->info().subtask;
}

Status LogSource::Restore(const std::vector<StatePiece>& pieces) {
  const std::string prefix = SplitPrefix(options_.topic);
  int64_t floor = kMaxTimestamp;
  for (const StatePiece& piece : pieces) {
    if (piece.name == KnownName(options_.topic)) known_ = true;
    if (!piece.name.starts_with(prefix)) continue;
    const std::string_view digits = std::string_view(piece.name).substr(prefix.size());
    int partition = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), partition);
    if (partition < 0) return Err(ErrorCode::kStateCorrupt, "source: piece " + piece.name);
    if (IsMine(partition)) WEIR_RETURN_IF_ERROR(RestoreSplit(piece, partition, &floor));
  }
  if (floor != kMaxTimestamp) watermarks_.Restore(floor);
  return absl::OkStatus();
}

Status LogSource::RestoreSplit(const StatePiece& piece, int partition, int64_t* floor) {
  RestoredSplit from;
  if (!from.Decode(piece.bytes))
    return Err(ErrorCode::kStateCorrupt, "source: piece " + piece.name);
  if (WEIR_PLANTED_BUG("B-33")) from.watermark = from.output_ms = kNoTimestamp;
  AddSplit(partition, from);
  if (WEIR_PLANTED_BUG("B-17")) splits_[partition]->skip = 1;
  // Splits of several subtasks may meet here; nobody has seen more than the lowest of their
  // watermarks as that of all.
  *floor = std::min(*floor, from.output_ms);
  return absl::OkStatus();
}

void LogSource::AddSplit(int partition, const RestoredSplit& from) {
  auto split = std::make_unique<Split>(partition, options_, from);
  split->rows.watermark_number = watermarks_.Add(from.watermark);
  MetricLabels labels = context_->labels();
  labels.emplace_back("split", absl::StrCat(partition));
  split->lag_records = context_->metrics()->GetGauge("weir_source_split_lag_records", labels);
  split->lag_records->Set(kUnsetGauge);
  watermarks_.SetIdle(split->rows.watermark_number, from.idle);
  // `open` runs on another thread, perhaps after this object's end: it takes no `this`.
  auto open = [client = log(), keep = options_.log, topic = options_.topic, partition,
               position = from.position] { return client->OpenReader(topic, partition, position); };
  split->reader = std::make_unique<AsyncLogReader>(
      context_->env().io, context_->mail(), std::move(open),
      [this, s = split.get()](const Status& status) { OnRead(s, status); });
  splits_[partition] = std::move(split);
}

void LogSource::Discover(int64_t now_ns) {
  if (discovering_ || now_ns < next_discovery_ns_) return;
  discovering_ = true;
  const auto work = [client = log(), keep = options_.log, topic = options_.topic,
                     mail = context_->mail(), self = std::weak_ptr<LogSource*>(self_)] {
    mail.Post([self, partitions = client->Partitions(topic)] {
      if (const auto alive = self.lock()) (*alive)->OnPartitions(partitions);
    });
  };
  context_->env().io->Submit(work);
}

void LogSource::OnPartitions(const StatusOr<std::vector<int>>& partitions) {
  discovering_ = false;
  if (!partitions.ok()) return context_->Fail(partitions.status());
  const bool first_look = !known_;
  for (const int p : *partitions) {
    if (!IsMine(p) || splits_.find(p) != splits_.end()) continue;
    RestoredSplit start;
    if (first_look) start.position = FirstPosition(p);
    AddSplit(p, start);
    StartRead(splits_[p].get());
  }
  if (!known_now_) emitter_.Report(AllIdle());
  known_ = known_now_ = true;
  next_discovery_ns_ = options_.until_end
                           ? kNeverNs
                           : context_->env().clock->MonoNs() + options_.discovery_ms * kNsPerMs;
  FinishSnapshots();
  if (draining_) Drain();
}

LogPosition LogSource::FirstPosition(int partition) const {
  using Start = LogSourceOptions::Start;
  if (options_.start == Start::kLatest) return {LogPosition::kEnd, -1, 0};
  if (options_.start == Start::kTimestamp) return {LogPosition::kAtTime, options_.start_time_ms, 0};
  if (options_.start == Start::kOffsets) {
    const auto it = options_.start_offsets.find(partition);
    if (it != options_.start_offsets.end()) return {it->second, -1, 0};
  }
  return {LogPosition::kBegin, -1, 0};
}

void LogSource::StartRead(Split* split) {
  LogReadOptions read;
  const size_t share = kReadAheadBytes / (2 * std::max<size_t>(1, splits_.size()));
  read.max_bytes = std::min(options_.chunk_bytes, std::max(share, kMinChunkBytes));
  read.take_unterminated = options_.until_end;
  split->reader->Start(read);
}

void LogSource::OnRead(Split* split, const Status& status) {
  if (!status.ok()) return context_->Fail(status);
  if (split->resolved) return;
  Take(split, context_->env().clock->MonoNs());
  Resolve(split);
}

void LogSource::Take(Split* split, int64_t now_ns) {
  SplitRows& rows = split->rows;
  split->reader->Take(&rows.chunk);
  rows.next = std::min(split->skip, rows.chunk.items.size());
  split->skip = 0;
  if (!rows.chunk.at_end) return StartRead(split);
  split->poll_ms = rows.empty() ? std::min(2 * split->poll_ms, kMaxPollMs) : kMinPollMs;
  split->next_read_ns = now_ns + split->poll_ms * kNsPerMs;
  if (rows.empty()) CheckIdle(split, now_ns);
}

// Only a look at the log that found nothing tells that a split is idle: time during which it could
// not be looked at (back-pressure, E-M7) proves nothing.
void LogSource::CheckIdle(Split* split, int64_t now_ns) {
  if (split->rows.idleness.Check(now_ns / kNsPerMs)) {
    watermarks_.SetIdle(split->rows.watermark_number, true);
  }
}

LogSource::Split* LogSource::NextSplit(int64_t now_ns) {
  for (size_t looked = 0; looked < splits_.size(); ++looked) {
    if (turn_ == splits_.end()) turn_ = splits_.begin();
    Split* split = turn_->second.get();
    ++turn_;
    if (split->rows.empty() && split->reader->ready()) Take(split, now_ns);
    if (!split->rows.empty()) return split;
  }
  return nullptr;
}

StatusOr<Source::PollResult> LogSource::Poll() {
  if (ended_) return PollResult::kWait;
  const Clock* clock = context_->env().clock;
  const int64_t now_ns = clock->MonoNs();
  const SourceClock now{clock->NowMs(), now_ns / kNsPerMs};
  for (auto& [p, split] : splits_) split->rows.idleness.Resume(now.mono_ms);
  Discover(now_ns);
  if (!known_now_) return PollResult::kWait;  // see Started()
  // At the first call this is the restored watermark, which stands before every record.
  emitter_.EmitProgress(options_.event_time_field < 0);
  if (Split* split = NextSplit(now_ns)) {
    WEIR_RETURN_IF_ERROR(emitter_.EmitSome(&split->rows, now));
    emitter_.EmitProgress(options_.event_time_field < 0);
    CountLag();
    // Until the next call this source cannot read: perhaps there is no room downstream.
    for (auto& [p, other] : splits_) other->rows.idleness.Pause(now.mono_ms);
    return PollResult::kMore;
  }
  CountLag();
  watermarks_.Refresh(now.mono_ms);
  emitter_.EmitProgress(AllIdle());
  if (options_.until_end && AllFinished()) {
    End();
  } else {
    Rest(now_ns);
  }
  return PollResult::kWait;
}

void LogSource::Rest(int64_t now_ns) {
  int64_t wake_ns = discovering_ ? kNeverNs : next_discovery_ns_;
  for (auto& [p, split] : splits_) {
    if (split->reader->reading() || split->reader->ready()) continue;
    if (split->finished() && options_.until_end) continue;
    if (now_ns >= split->next_read_ns) {
      StartRead(split.get());
    } else {
      wake_ns = std::min(wake_ns, split->next_read_ns);
    }
  }
  if (wake_ns != kNeverNs) context_->WakeAt(wake_ns);
}

// A source without event time never holds any back.
bool LogSource::AllIdle() const { return options_.event_time_field < 0 || watermarks_.all_idle(); }

bool LogSource::AllFinished() const {
  return std::all_of(splits_.begin(), splits_.end(),
                     [](const auto& entry) { return entry.second->finished(); });
}

bool LogSource::AllResolved() const {
  // "latest" is resolved once, here, and never again: a position that is looked up a second time
  // after a crash would skip what came in between (reliability B-16).
  if (options_.start != LogSourceOptions::Start::kEarliest && !known_) return false;
  return std::all_of(splits_.begin(), splits_.end(),
                     [](const auto& entry) { return entry.second->resolved; });
}

StatePiece LogSource::PieceOf(const Split& split, int64_t output_ms) const {
  const int number = split.rows.watermark_number;
  const RestoredSplit state{split.position(), watermarks_.watermark(number), output_ms,
                            watermarks_.idle(number)};
  return {absl::StrCat(SplitPrefix(options_.topic), split.rows.partition), state.Encode()};
}

Status LogSource::Snapshot(const std::shared_ptr<SnapshotPart>& part) {
  for (const auto& [partition, split] : splits_) {
    if (split->resolved) part->Add(PieceOf(*split, watermarks_.output()));
  }
  // Nothing is emitted from a split whose start is not known, so its piece may follow later.
  waiting_.push_back({part, watermarks_.output()});
  FinishSnapshots();
  return absl::OkStatus();
}

void LogSource::Resolve(Split* split) {
  split->resolved = true;
  for (const WaitingSnapshot& waiting : waiting_) {
    waiting.part->Add(PieceOf(*split, waiting.output_ms));
  }
  FinishSnapshots();
}

void LogSource::FinishSnapshots() {
  if (waiting_.empty() || !AllResolved()) return;
  for (const WaitingSnapshot& waiting : std::exchange(waiting_, {})) {
    if (known_) waiting.part->Add({KnownName(options_.topic), ""});
    waiting.part->Finish(absl::OkStatus());
  }
}

void LogSource::CountLag() {
  int64_t records = 0;
  bool known = true;
  for (const auto& [partition, split] : splits_) {
    const LogChunk& chunk = split->rows.chunk;
    const int64_t behind = chunk.at_end ? 0 : chunk.behind;
    const int64_t lag = behind + static_cast<int64_t>(chunk.items.size() - split->rows.next);
    split->lag_records->Set(behind < 0 ? kUnsetGauge : lag);
    known = known && behind >= 0;
    records += lag;
  }
  lag_records_->Set(known ? records : kUnsetGauge);
}

void LogSource::End() {
  ended_ = true;
  emitter_.EmitProgress(options_.event_time_field < 0);
  out_->EmitEndOfInput();
}

void LogSource::Drain() {
  // Nothing may be said before the report that waits for the list of partitions (Started).
  draining_ = true;
  if (!known_now_) return Discover(context_->env().clock->MonoNs());
  if (!ended_) End();
}

}  // namespace weir
