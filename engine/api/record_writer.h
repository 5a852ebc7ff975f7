// Emits structs as rows of one output port.
//
//   RecordWriter<Alert> alerts(context(), out(), kAlerts);   // in Process or OnTimer
//   alerts.Add(row, Alert{row->card, sum});                  // caused by an input row
//   alerts.Add(timer, Alert{timer.key, sum});                // caused by a timer
//   ...                                                      // the end of the scope emits them
//
// What a row carries beside its fields comes from its cause: event time, key and origin, so that
// the same cause names the same output after any crash (effect_id, DESIGN promise 2). So what an
// operator emits, and in which order for one cause, must depend on its input and its state alone.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "engine/api/record.h"
#include "engine/api/record_reader.h"
#include "engine/core/operator.h"

namespace weir {

namespace record_internal {

// The hidden columns of output rows. Those of one cause are numbered, over all ports: a sink may
// have several of them as inputs.
class CauseMarks {
 public:
  CauseMarks(const OperatorContext* context, int port)
      : context_(context), port_(static_cast<uint32_t>(port)), writer_(context->NextWriter(port)) {}
  void Append(const RecordBatch& from, size_t row, RecordBatch* to);
  void Append(const Timer& timer, RecordBatch* to);

 private:
  uint32_t Next(const Origin& origin, uint32_t emit);

  const OperatorContext* context_;
  uint32_t port_;
  uint32_t writer_;    // of the port, in this call
  uint32_t pass_ = 0;  // over the rows
  size_t row_ = 0;     // the newest cause
  Origin origin_{};
  uint32_t emit_ = 0;
  uint32_t count_ = 0;  // outputs of (origin_, emit_) so far
};

}  // namespace record_internal

// Lives inside one call of the operator.
template <typename T>
class RecordWriter {
 public:
  // The port's schema is RecordSchema<T>(): see OutputOf in operator_plan.h.
  RecordWriter(const OperatorContext* context, Collector* out, int port)
      : out_(out), port_(port), marks_(context, port), batch_(RecordSchema<T>()) {}
  ~RecordWriter() { Flush(); }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  template <typename In>
  void Add(const Row<In>& cause, const T& record) {
    Append(record);
    marks_.Append(cause.batch(), cause.index(), &batch_);
    FlushIfFull();
  }
  // The output's event time is the timer's time; a processing-time timer's output has none.
  void Add(const Timer& cause, const T& record) {
    Append(record);
    marks_.Append(cause, &batch_);
    FlushIfFull();
  }
  // Emits what was added so far.
  void Flush() {
    if (batch_.empty()) return;
    out_->Emit(port_, std::exchange(batch_, RecordBatch(RecordSchema<T>())));
  }

 private:
  void Append(const T& record) {
    record_internal::ForEachField<T>([&](const auto& field, size_t i) {
      using M = record_internal::Member<typename std::decay_t<decltype(field)>::Type>;
      M::Append(record.*field.member, &batch_.column(static_cast<int>(i)));
    });
  }
  void FlushIfFull() {
    if (batch_.rows() >= kMaxBatchRows) Flush();
  }

  Collector* out_;
  int port_;
  record_internal::CauseMarks marks_;
  RecordBatch batch_;
};

}  // namespace weir
