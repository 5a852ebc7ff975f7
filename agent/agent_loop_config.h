// What the plan of an agent loop knows, checked and compiled as far as it can be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/fail_safe.h"
#include "agent/masking.h"
#include "engine/core/async_queue.h"
#include "engine/model/types.h"

namespace weir {

struct AgentLoopConfig {
  std::string job, uid, name;
  std::string secret;  // of request ids and mask tokens; never printed
  SchemaPtr input;
  std::vector<std::string> key, signature, id;
  std::string escalate_when;

  std::string endpoint = "embedded";
  AsyncOrder order = AsyncOrder::kKey;
  size_t capacity = 1000;
  int64_t timeout_ms = 30'000;
  int64_t attempt_timeout_ms = 10'000;
  bool backpressure = false;  // at capacity; else the fail-safe verdict
  size_t waiters_per_signature = 10'000;
  size_t waiters_total = 100'000;
  FailSafe fail_safe;

  Masking::Config mask;

  int64_t default_ttl_ms = 0;
  int64_t max_ttl_ms = 0;
  size_t max_active = 0;
  int64_t max_per_minute = 0;  // of the whole job
  bool any_scope = false;
  std::vector<std::string> allowed_actions;
  std::vector<std::string> protected_values;

  int64_t recheck_after_ms = 600'000;
  int64_t decision_ttl_ms = 0;

  // Output ports, in this order: fast, decisions, blocked, actions.
  std::vector<int> carry;  // columns of the input
  SchemaPtr decisions, blocked, actions;

  std::string decision_topic() const { return "_weir." + job + "." + uid + ".decisions"; }
  std::string rule_topic() const { return "_weir." + job + "." + uid + ".rules"; }
};

}  // namespace weir
