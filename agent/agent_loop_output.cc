#include "agent/agent_loop_output.h"

#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {

std::string MakeActionId(std::string_view request_id, std::string_view action) {
  std::string bytes;
  PutBigEndian32(&bytes, static_cast<uint32_t>(request_id.size()));
  bytes.append(request_id);
  bytes.append(action);
  return HexEncode(Sha256(bytes)).substr(0, 32);
}

AgentLoopOutput::AgentLoopOutput(const AgentLoopConfig& config, Collector* out)
    : out_(out), passes_(out->consumed(kFast)), carry_(config.carry) {
  for (const SchemaPtr* schema :
       {&config.input, &config.decisions, &config.blocked, &config.actions}) {
    batches_.emplace_back(*schema);
  }
}

void AgentLoopOutput::Carry(const RecordBatch& batch, size_t row, int first,
                            RecordBatch* to) const {
  for (const int column : carry_) to->column(first++).AppendFrom(batch.column(column), row);
}

void AgentLoopOutput::Pass(const RecordBatch& batch, size_t row) {
  if (!passes_) return;
  batches_[kFast].AppendRow(batch, row);
  FlushIfFull(kFast);
}

void AgentLoopOutput::PassRows(const RecordBatch& batch, std::span<const uint32_t> rows) {
  if (!passes_) return;
  if (batches_[kFast].rows() + rows.size() > kMaxBatchRows) FlushPort(kFast);
  batches_[kFast].Gather(batch, rows);
}

void AgentLoopOutput::PassAll(RecordBatch batch) {
  if (!passes_) return;
  FlushPort(kFast);
  out_->Emit(kFast, std::move(batch));
}

void AgentLoopOutput::Decide(const RecordBatch& batch, size_t row, const Decision& decision) {
  RecordBatch& to = batches_[kDecisions];
  Carry(batch, row, 0, &to);
  int c = static_cast<int>(carry_.size());
  to.column(c++).AppendString(decision.verdict);
  if (decision.rule) {
    to.column(c++).AppendString(decision.rule->id);
    to.column(c++).AppendInt(decision.rule->version);
  } else {
    to.column(c++).AppendNull();
    to.column(c++).AppendNull();
  }
  to.column(c++).AppendString(decision.request_id);
  to.column(c++).AppendInt(decision.seq);
  to.AppendMeta(batch, row);
  FlushIfFull(kDecisions);
}

void AgentLoopOutput::Act(const RecordBatch& batch, size_t row, const Decision& decision) {
  if (decision.action.empty()) return;
  RecordBatch& to = batches_[kActions];
  to.column(0).AppendString(MakeActionId(decision.request_id, decision.action));
  to.column(1).AppendString(decision.action);
  to.column(2).AppendString(decision.request_id);
  to.column(3).AppendString(decision.verdict);
  if (decision.rule) {
    to.column(4).AppendString(decision.rule->id);
  } else {
    to.column(4).AppendNull();
  }
  Carry(batch, row, 5, &to);
  Column& expires = to.column(5 + static_cast<int>(carry_.size()));
  if (decision.rule) {
    expires.AppendInt(decision.rule->expires_ms);
  } else {
    expires.AppendNull();
  }
  to.AppendMeta(batch, row);
  FlushIfFull(kActions);
}

void AgentLoopOutput::Block(const RecordBatch& batch, size_t row, std::string_view rule_id) {
  RecordBatch& to = batches_[kBlocked];
  Carry(batch, row, 0, &to);
  to.column(static_cast<int>(carry_.size())).AppendString(rule_id);
  to.AppendMeta(batch, row);
  FlushIfFull(kBlocked);
}

void AgentLoopOutput::FlushIfFull(Port port) {
  if (batches_[port].rows() >= kMaxBatchRows) FlushPort(port);
}

void AgentLoopOutput::FlushPort(Port port) {
  RecordBatch& batch = batches_[port];
  if (batch.empty()) return;
  SchemaPtr schema = batch.schema();
  out_->Emit(port, std::exchange(batch, RecordBatch(std::move(schema))));
}

void AgentLoopOutput::Flush() {
  for (const Port port : {kFast, kDecisions, kBlocked, kActions}) FlushPort(port);
}

}  // namespace weir
