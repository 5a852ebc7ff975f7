// Builds the rows of the agent loop's four outputs. Each keeps time, origin and emit index of the
// event that caused it, so that its effect id is the same in every run.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_loop_config.h"
#include "agent/decision.h"
#include "engine/core/operator.h"

namespace weir {

class AgentLoopOutput {
 public:
  enum Port { kFast = 0, kDecisions = 1, kBlocked = 2, kActions = 3, kPorts = 4 };

  AgentLoopOutput(const AgentLoopConfig& config, Collector* out);

  void Pass(const RecordBatch& batch, size_t row);
  void PassRows(const RecordBatch& batch, std::span<const uint32_t> rows);
  void PassAll(RecordBatch batch);
  // A row on `decisions`.
  void Decide(const RecordBatch& batch, size_t row, const Decision& decision);
  // A row on `actions`, if the decision demands something.
  void Act(const RecordBatch& batch, size_t row, const Decision& decision);
  void Block(const RecordBatch& batch, size_t row, std::string_view rule_id);
  void Flush();

 private:
  void Carry(const RecordBatch& batch, size_t row, int first, RecordBatch* to) const;
  void FlushIfFull(Port port);
  void FlushPort(Port port);

  Collector* out_;
  const bool passes_;  // somebody reads `fast`
  std::vector<int> carry_;
  std::vector<RecordBatch> batches_;  // by port
};

// The same for the same request and action, whenever it is made.
std::string MakeActionId(std::string_view request_id, std::string_view action);

}  // namespace weir
