// What a reasoner's answer depends on beside the question (DESIGN D15).
#pragma once

#include <string>
#include <string_view>

namespace weir {

struct ReasonerVersions {
  std::string reasoner;  // "rules/1"
  std::string model;
  std::string prompt;  // version of the template, hash of what was added to it
  std::string schema;  // hash of the reply's schema and of the tools
  std::string policy;  // hash of the rule file; of sampling and bounds
};

// The key of a reply in the memo: 64 hex digits over canonical, length-prefixed parts. Nothing
// volatile (time, attempt, deadline) enters it.
std::string MemoKey(std::string_view name_space, std::string_view request_id,
                    const ReasonerVersions& versions);

}  // namespace weir
