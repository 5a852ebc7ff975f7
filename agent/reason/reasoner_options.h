// What an agent service can be told about its reasoner and its memo. One option table serves the
// command line (`--base-url` is `base_url`), the checks and the reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/options.h"

namespace weir {

struct ReasonerOptions {
  std::string reasoner = "statistical";  // "statistical", "rules" or "openai"
  std::string rules;                     // rule file of `rules`

  // openai
  std::string base_url = "https://api.openai.com/v1";
  std::string model;
  std::string expect_model;  // what the endpoint must say it is; "" = anything
  std::string api_key_env = "OPENAI_API_KEY";
  std::string api_key_file;
  std::string ca_file;
  std::string proxy;
  std::vector<std::string> verdicts = {"quarantine", "release"};
  std::vector<std::string> actions = {"block"};
  std::string instructions_file;  // what the operator of the job has to add to the prompt
  int64_t max_tokens = 1024;      // of one completion
  int64_t max_tool_rounds = 4;
  int64_t call_timeout_ms = 20'000;  // of one call to the endpoint
  bool json_schema = true;           // send response_format; off for endpoints that do not know it

  // memo
  std::string memo = "embedded";  // "none", "embedded" or the URL of a RESP server
  int64_t memo_ttl_ms = 7 * 24 * 3600 * 1000LL;
  int64_t memo_timeout_ms = 50;
  std::string memo_namespace;  // keeps a shadow's replies apart
};

// The table, in the order of the struct.
const std::vector<OptionDef>& ReasonerOptionDefs();
// From values that were checked against the table.
ReasonerOptions ReadReasonerOptions(const Options& options);

}  // namespace weir
