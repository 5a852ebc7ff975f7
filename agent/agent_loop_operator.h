// The agent loop as an operator: composes the paths, owns the parts, forwards time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent_loop_config.h"
#include "agent/row_path.h"
#include "agent/slow_path.h"
#include "engine/core/operator.h"

namespace weir {

// Input 0: events, keyed. Input 1: lines of the rule log. Outputs: AgentLoopOutput::Port.
// `fast` sees watermarks at once; the other ports only up to the oldest entry that waits (D12).
class AgentLoopOperator : public Operator {
 public:
  explicit AgentLoopOperator(std::shared_ptr<const AgentLoopConfig> config);
  ~AgentLoopOperator() override;

  Status Open(OperatorContext* context, Collector* out) override;
  Status Restore(const std::vector<StatePiece>& pieces) override;
  Status Process(int input, RecordBatch batch) override;
  bool CanAccept() override;
  Status OnWatermark(int64_t ms) override;
  Status OnIdle(bool idle) override;
  Status OnWake() override;
  Status OnEndOfInput() override;
  Status Snapshot(const std::shared_ptr<SnapshotPart>& part) override;

 private:
  Status OpenState();
  void OpenLogs();
  Status OpenPaths();
  void Start();
  void ReadRules();
  void OnLogsRead();
  void ApplyLine(int64_t offset, std::string_view line);
  void ApplyRule(const Rule& rule);
  // Ends every turn: releases, sends, flushes, forwards time.
  void EndTurn();
  void ReleaseWaiters();
  void ForwardTime();
  void UpdateGauges();
  void Wake();
  void MaybeEnd();

  std::shared_ptr<const AgentLoopConfig> config_;
  std::unique_ptr<AgentLoopMetrics> metrics_;
  std::unique_ptr<AgentLoopOutput> output_;
  PendingStore pending_;
  DecisionRecords records_;
  FlightTable flights_;
  std::unique_ptr<RuleSet> rules_;
  std::unique_ptr<DecisionLog> decision_log_;
  std::unique_ptr<RuleLog> rule_log_;
  std::unique_ptr<RowDecoder> decoder_;
  std::unique_ptr<ResultQueue> results_;
  std::unique_ptr<SlowPath> slow_;
  std::unique_ptr<RowPath> rows_;

  bool ready_ = false;  // both logs are read
  int64_t opened_ms_ = 0;
  int64_t rules_read_ = 0;  // offset of the rule log up to which the control input has delivered
  int64_t watermark_ = kNoTimestamp;
  int64_t wake_at_ns_ = INT64_MAX;      // asked for
  std::optional<bool> idle_;            // not known before the input has said it
  std::optional<bool> idle_forwarded_;  // on the held ports
  bool end_of_input_ = false;
  bool ended_ = false;
  bool more_to_release_ = false;  // a mail is on its way
};

}  // namespace weir
