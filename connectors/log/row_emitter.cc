#include "connectors/log/row_emitter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/log/dead_letters.h"

namespace weir {
namespace {

constexpr int64_t kMinEventTime = -62'135'596'800'000;  // 0001-01-01T00:00:00.000Z
constexpr int64_t kMaxEventTime = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

}  // namespace

Status RowEmitter::Open(const LogSourceOptions& options, OperatorContext* context, Collector* out,
                        SplitWatermarks* watermarks) {
  options_ = &options;
  out_ = out;
  watermarks_ = watermarks;
  const MetricLabels labels = context->labels();
  records_ = context->metrics()->GetCounter("weir_source_records_total", labels);
  bytes_ = context->metrics()->GetCounter("weir_source_bytes_total", labels);
  rejected_ = context->metrics()->GetCounter("weir_source_dead_letters_total", labels);
  WEIR_ASSIGN_OR_RETURN(decoder_, options.new_decoder());
  return absl::OkStatus();
}

Status RowEmitter::EmitSome(SplitRows* split, const SourceClock& now) {
  const int number = split->watermark_number;
  const bool each_record = options_->emit == LogSourceOptions::Emit::kEachRecord;
  if (has_event_time()) {
    split->idleness.Activity();
    watermarks_->SetIdle(number, false);
    watermarks_->Activity(now.mono_ms);
  }
  const int64_t others = watermarks_->MinOfOthers(number);
  const size_t end = std::min(split->chunk.items.size(), split->next + options_->batch_rows);
  int64_t bytes = 0;
  records_->Add(static_cast<int64_t>(end - split->next));
  for (; split->next < end; ++split->next) {
    const LogItem& item = split->chunk.items[split->next];
    bytes += static_cast<int64_t>(item.value.size());
    if (const Status status = AppendRow(*split, item, now); !status.ok()) [[unlikely]] {
      WEIR_RETURN_IF_ERROR(Reject(*split, item, status));
      continue;
    }
    if (!has_event_time()) continue;
    split->event_time.OnEvent(batch_->event_time.back());
    const int64_t watermark = std::min(split->event_time.watermark(), others);
    if (each_record && watermark > watermarks_->output()) {
      EmitRows();
      watermarks_->Update(number, split->event_time.watermark());
      if (watermarks_->Refresh(now.mono_ms)) EmitWatermark(kRowPort);
    }
  }
  bytes_->Add(bytes);
  EmitRows();
  if (dead_letters_) out_->Emit(kDeadLetterPort, *std::exchange(dead_letters_, std::nullopt));
  if (has_event_time()) {
    watermarks_->Update(number, split->event_time.watermark());
    watermarks_->Refresh(now.mono_ms);
  }
  return absl::OkStatus();
}

RecordBatch* RowEmitter::Batch() {
  if (batch_) return &*batch_;
  batch_.emplace(options_->schema);
  // Batches tend to be as large as the one before; a batch of one row must stay cheap.
  const size_t rows = last_rows_;
  for (int i = 0; i < batch_->width(); ++i) batch_->column(i).Reserve(rows);
  batch_->event_time.reserve(rows);
  batch_->origin.reserve(rows);
  batch_->emit.reserve(rows);
  return &*batch_;
}

Status RowEmitter::AppendRow(const SplitRows& split, const LogItem& item, const SourceClock& now) {
  if (item.oversized) {
    return Err(ErrorCode::kRecordTooLarge, "the record is longer than the log hands out whole");
  }
  RecordBatch* batch = Batch();
  WEIR_RETURN_IF_ERROR(decoder_->Decode(item.value, batch));
  int64_t event_time = kNoTimestamp;
  if (has_event_time()) {
    if (Status status = ReadEventTime(*batch, now.wall_ms, &event_time); !status.ok()) {
      batch->TruncateColumns(batch->rows());
      return status;
    }
  }
  batch->AppendMeta(event_time, {options_->source_number, split.partition, item.offset}, 0);
  return absl::OkStatus();
}

Status RowEmitter::ReadEventTime(const RecordBatch& batch, int64_t wall_ms, int64_t* ms) const {
  const int field = options_->event_time_field;
  const Column& column = batch.column(field);
  const size_t row = column.size() - 1;
  *ms = column.IsNull(row) ? kNoTimestamp : column.Int(row);
  if (*ms >= kMinEventTime && *ms <= std::min(kMaxEventTime, wall_ms + options_->max_ahead_ms)) {
    return absl::OkStatus();
  }
  // The reason must not tell the time, or it would be another one at the next replay.
  const std::string name = absl::StrCat("field '", options_->schema->field(field).name, "'");
  if (column.IsNull(row)) {
    return Err(ErrorCode::kRecordBadTime, absl::StrCat(name, ": the event time is null"));
  }
  if (*ms < kMinEventTime || *ms > kMaxEventTime) {
    return Err(ErrorCode::kRecordBadTime,
               absl::StrCat(name, ": ", *ms, " is not a time between the years 1 and 9999"));
  }
  return Err(ErrorCode::kRecordFutureTime,
             absl::StrCat(name, ": ", *ms, " is further ahead of the clock than ",
                          FormatDuration(options_->max_ahead_ms)));
}

Status RowEmitter::Reject(const SplitRows& split, const LogItem& item, const Status& error) {
  rejected_->Add();
  const bool fail = options_->on_error == LogSourceOptions::OnError::kFail;
  if (fail || out_->ports() <= kDeadLetterPort) {
    return Annotate(
        error, absl::StrCat(options_->topic, "/", split.partition, " at offset ", item.offset));
  }
  if (!dead_letters_) dead_letters_.emplace(DeadLetterSchema());
  const DeadLetterPlace place{options_->topic, options_->source_number, split.partition,
                              split.event_time.max_event_time()};
  AppendDeadLetter(place, item, error, &*dead_letters_);
  return absl::OkStatus();
}

void RowEmitter::EmitRows() {
  if (!batch_ || batch_->empty()) return;
  last_rows_ = batch_->rows();
  out_->Emit(kRowPort, *std::exchange(batch_, std::nullopt));
}

void RowEmitter::EmitWatermark(int port) {
  const int64_t ms = watermarks_->output();
  if (ms <= emitted_ms_[port]) return;
  // Active again with a watermark and not before (E-M8).
  if (idle_[port]) EmitIdle(port, false);
  out_->EmitWatermark(port, ms);
  emitted_ms_[port] = ms;
}

void RowEmitter::EmitProgress(bool all_idle) {
  for (int port = 0; port < std::min(kPorts, out_->ports()); ++port) {
    EmitWatermark(port);
    if (all_idle && !idle_[port]) EmitIdle(port, true);
  }
}

void RowEmitter::Report(bool idle) {
  for (int port = 0; port < std::min(kPorts, out_->ports()); ++port) EmitIdle(port, idle);
}

void RowEmitter::EmitIdle(int port, bool idle) {
  out_->EmitIdle(port, idle);
  idle_[port] = idle;
}

}  // namespace weir
