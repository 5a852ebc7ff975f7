#include "connectors/log/log_sink.h"

#include <cstring>
#include <utility>

#include "connectors/log/dead_letters.h"
#include "engine/base/bytes.h"
#include "engine/base/fail_point.h"
#include "engine/base/hash.h"
#include "engine/model/value.h"

namespace weir {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

EffectNamer::EffectNamer(const std::string& job, const std::string& sink_uid) {
  std::string space;
  PutBytes(&space, job);
  PutBytes(&space, sink_uid);
  seeds_[0] = HashBytes(space, 0);
  seeds_[1] = HashBytes(space, 1);
}

std::string EffectNamer::Name(const Origin& origin, uint32_t emit) const {
  if (origin.offset < 0) return {};
  char cause[20];
  std::memcpy(cause, &origin.source, 4);
  std::memcpy(cause + 4, &origin.partition, 4);
  std::memcpy(cause + 8, &origin.offset, 8);
  std::memcpy(cause + 16, &emit, 4);
  char name[16];
  for (size_t half = 0; half < 2; ++half) {
    const uint64_t hash = HashBytes({cause, sizeof(cause)}, seeds_[half]);
    std::memcpy(name + 8 * half, &hash, 8);
  }
  return HexEncode({name, sizeof(name)});
}

LogSink::LogSink(LogSinkOptions options)
    : options_(std::move(options)), self_(std::make_shared<LogSink*>(this)) {}

Status LogSink::Open(OperatorContext* context, Collector* out) {
  WEIR_RETURN_IF_ERROR(Operator::Open(context, out));
  if (options_.new_encoder) {
    WEIR_ASSIGN_OR_RETURN(encoder_, options_.new_encoder());
  }
  namer_ = EffectNamer(context->info().job, context->info().uid);
  held_ = HeldOutput(options_.topic, absl::StrCat(context->info().job, "/", context->info().uid),
                     context->info().subtask);
  const MetricLabels labels = context->labels();
  MetricRegistry* metrics = context->metrics();
  records_ = metrics->GetCounter("weir_sink_records_total", labels);
  bytes_ = metrics->GetCounter("weir_sink_bytes_total", labels);
  deduplicated_ = metrics->GetCounter("weir_sink_deduplicated_total", labels);
  errors_ = metrics->GetCounter("weir_sink_errors_total", labels);
  return absl::OkStatus();
}

Status LogSink::Restore(const std::vector<StatePiece>& pieces) {
  WEIR_ASSIGN_OR_RETURN(plan_, ReadTailPlan(pieces, options_.topic, options_.settle_ms));
  // Also when the sink is at_least_once by now: what a checkpoint holds is owed.
  WEIR_RETURN_IF_ERROR(held_.Restore(pieces, context()->info().parallelism));
  if (held_.unwritten() > 0) EnsureLoaded();
  return absl::OkStatus();
}

LogClient* LogSink::log() {
  return options_.log != nullptr ? options_.log.get() : context()->log();
}

bool LogSink::CanAccept() {
  EnsureLoaded();
  return phase_ == Phase::kReady && !writer_->full();
}

void LogSink::EnsureLoaded() {
  if (phase_ != Phase::kNew) return;
  phase_ = Phase::kLoading;
  TailRequest request;
  request.log = log();
  request.keep = options_.log;
  request.topic = options_.topic;
  request.operator_uid = context()->info().uid;
  request.subtask = context()->info().subtask;
  request.epoch = context()->info().epoch;
  request.plan = std::move(plan_);
  context()->env().io->Submit([request = std::move(request), mail = context()->mail(),
                               self = std::weak_ptr<LogSink*>(self_)] {
    mail.Post([self, tail = SinkTail::Load(request)] {
      if (const auto alive = self.lock()) (*alive)->OnLoaded(tail);
    });
  });
}

void LogSink::OnLoaded(StatusOr<std::shared_ptr<SinkTail>> tail) {
  if (!tail.ok()) return Failed(tail.status());
  tail_ = *std::move(tail);
  end_ = held_end_ = tail_->ends().at(context()->info().subtask);
  loaded_ns_ = context()->env().clock->MonoNs();
  writer_ = std::make_unique<AsyncLogWriter>(context()->env().io, context()->mail(),
                                             tail_->writer(), options_.max_pending_bytes);
  phase_ = Phase::kReady;
  if (const Status status = Commit(INT64_MIN); !status.ok()) return Failed(status);
  for (const std::function<Status()>& step : std::exchange(deferred_, {})) {
    if (const Status status = step(); !status.ok()) return Failed(status);
  }
}

Status LogSink::InOrder(std::function<Status()> step) {
  EnsureLoaded();
  if (phase_ == Phase::kReady) return step();
  deferred_.push_back(std::move(step));
  return absl::OkStatus();
}

Status LogSink::Process(int /*input*/, RecordBatch batch) {
  const size_t max_bytes = log()->max_record_bytes();
  if (max_bytes > 0) batch = BoundDeadLetters(max_bytes, std::move(batch));
  if (phase_ == Phase::kReady) return Write(Project(std::move(batch)));
  const auto kept = std::make_shared<RecordBatch>(Project(std::move(batch)));
  return InOrder([this, kept] { return Write(*kept); });
}

RecordBatch LogSink::Project(RecordBatch batch) {
  if (options_.columns.empty()) return batch;
  if (projected_ == nullptr) {
    std::vector<Field> fields;
    for (const int c : options_.columns) fields.push_back(batch.schema()->field(c));
    projected_ = MakeSchema(std::move(fields));
  }
  RecordBatch result(projected_);
  for (int i = 0; i < result.width(); ++i) {
    result.column(i) = std::move(batch.column(options_.columns[static_cast<size_t>(i)]));
  }
  result.event_time = std::move(batch.event_time);
  result.origin = std::move(batch.origin);
  result.emit = std::move(batch.emit);
  return result;
}

Status LogSink::Write(const RecordBatch& batch) {
  std::vector<LogAppend> records;
  records.reserve(batch.rows());
  const int64_t now_ms = context()->env().clock->NowMs();
  for (size_t i = 0; i < batch.rows(); ++i) {
    LogAppend& record = records.emplace_back();
    if (encoder_ != nullptr) {
      encoder_->Encode(batch, i, &record.value);
    } else {
      RowToJson(batch, i, &record.value);
    }
    record.effect_id = namer_.Name(batch.origin[i], batch.emit[i]);
    record.timestamp_ms = now_ms;
    record.origin = batch.origin[i];
    record.emit = batch.emit[i];
  }
  return options_.exactly_once ? Hold(std::move(records)) : Append(std::move(records));
}

Status LogSink::Hold(std::vector<LogAppend> records) {
  held_.Add(std::move(records));
  if (held_.bytes() > options_.max_held_bytes / 4 && !std::exchange(checkpoint_wanted_, true)) {
    context()->WantCheckpoint();
  }
  if (held_.bytes() <= options_.max_held_bytes) return absl::OkStatus();
  return Err(ErrorCode::kOutputTooLarge,
             absl::StrCat("sink '", context()->info().name, "' holds ", held_.bytes(),
                          " bytes that wait for a checkpoint"),
             "shorten checkpoints.interval, or choose delivery: at_least_once");
}

Status LogSink::Append(std::vector<LogAppend> records) {
  int64_t bytes = 0;
  Status conflict;
  std::erase_if(records, [&](const LogAppend& record) {
    const StatusOr<bool> repeats = tail_->Repeats(record.effect_id, record.value);
    if (!repeats.ok()) conflict.Update(repeats.status());
    if (repeats.ok() && *repeats) {
      deduplicated_->Add();
      return true;
    }
    bytes += static_cast<int64_t>(record.value.size());
    return false;
  });
  if (!conflict.ok() || records.empty()) return conflict;
  const auto count = static_cast<int64_t>(records.size());
  records_->Add(count);
  bytes_->Add(bytes);
  writer_->Append(std::move(records),
                  [this, count](const StatusOr<int64_t>& first) { OnAppended(first, count); });
  return absl::OkStatus();
}

void LogSink::OnAppended(const StatusOr<int64_t>& first, int64_t records) {
  if (!first.ok()) return Failed(first.status());
  end_ = *first + records;
}

void LogSink::Failed(const Status& status) {
  errors_->Add();
  context()->Fail(status);
}

Status LogSink::Snapshot(const std::shared_ptr<SnapshotPart>& part) {
  return InOrder([this, part] { return TakeSnapshot(part); });
}

Status LogSink::TakeSnapshot(const std::shared_ptr<SnapshotPart>& part) {
  const int64_t running_ms = (context()->env().clock->MonoNs() - loaded_ns_) / kNsPerMs;
  tail_->AddPiece(options_.topic, context()->info().subtask, running_ms, options_.settle_ms,
                  part.get());
  if (WEIR_PLANTED_BUG("B-48")) {
    AddEnds(part.get(), end_);
    part->Finish(absl::OkStatus());
    return absl::OkStatus();
  }
  if (options_.exactly_once) {
    checkpoint_wanted_ = false;
    held_.Seal(part->checkpoint(), part.get());
    AddEnds(part.get(), held_end_);
    part->Finish(absl::OkStatus());
    return absl::OkStatus();
  }
  // Appends are answered in order, so at this answer `end_` is the end at the barrier.
  writer_->Sync([this, part](const Status& status) {
    if (status.ok()) AddEnds(part.get(), end_);
    part->Finish(status);
    if (!status.ok()) Failed(status);
  });
  return absl::OkStatus();
}

void LogSink::AddEnds(SnapshotPart* part, int64_t own_end) {
  const OperatorInfo& info = context()->info();
  part->Add(EndPiece(options_.topic, info.subtask, own_end));
  // Partitions from a time of higher parallelism: nobody writes them, but they must stay known.
  for (const auto& [partition, end] : tail_->ends()) {
    if (partition >= info.parallelism && partition % info.parallelism == info.subtask) {
      part->Add(EndPiece(options_.topic, partition, end));
    }
  }
}

void LogSink::OnCheckpointComplete(int64_t id) {
  if (!options_.exactly_once) return;
  const Status status = InOrder([this, id] { return Commit(id); });
  if (!status.ok()) Failed(status);
}

Status LogSink::Commit(int64_t id) {
  WEIR_SIM_POINT("sink.commit.before");
  WEIR_RETURN_IF_ERROR(Append(held_.Commit(id)));
  const size_t segments = held_.TakeUnwritten();
  if (segments == 0) return absl::OkStatus();
  // Answered in the order of the calls: at this answer `end_` is the end behind these segments.
  writer_->Sync([this, segments](const Status& status) {
    if (!status.ok()) return Failed(status);
    held_.Written(segments);
    held_end_ = end_;
  });
  return absl::OkStatus();
}

Status LogSink::OnEndOfInput() {
  return InOrder([this] {
    writer_->Sync([this](const Status& status) {
      if (!status.ok()) return Failed(status);
      out()->EmitEndOfInput();
    });
    return Status();
  });
}

}  // namespace weir
