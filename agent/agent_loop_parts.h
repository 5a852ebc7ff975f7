// What the paths of one subtask's agent loop share. Owned by the operator.
#pragma once

#include "agent/agent_loop_config.h"
#include "agent/agent_loop_metrics.h"
#include "agent/agent_loop_output.h"
#include "agent/decision_log.h"
#include "agent/decision_records.h"
#include "agent/flight.h"
#include "agent/pending.h"
#include "agent/row_decoder.h"
#include "agent/rule_log.h"
#include "agent/rule_set.h"

namespace weir {

struct AgentLoopParts {
  const AgentLoopConfig* config = nullptr;
  OperatorContext* context = nullptr;
  AgentLoopMetrics* metrics = nullptr;
  AgentLoopOutput* output = nullptr;
  PendingStore* pending = nullptr;
  DecisionRecords* records = nullptr;
  FlightTable* flights = nullptr;
  RuleSet* rules = nullptr;
  DecisionLog* decision_log = nullptr;
  RuleLog* rule_log = nullptr;
  RowDecoder* decoder = nullptr;
};

}  // namespace weir
