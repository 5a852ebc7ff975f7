// The rule file of the `rules` reasoner: an ordered list, the first rule that holds decides.
//
//   weir_rules: 1
//   name: ssh-policy
//   rules:
//     - { when: "has(novelty.count) && novelty.count >= 5", verdict: quarantine,
//         action: block, ttl: 1h, reason: "five failures in the window" }
//     - { when: "true", verdict: release, reason: "nothing speaks against it" }
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/expr/program.h"

namespace weir {

struct FileRule {
  std::unique_ptr<ExprProgram> when;  // over ContextSchema()
  std::string verdict;
  std::string action;  // "" = no rule is proposed
  int64_t ttl_ms = 0;  // 0 = the operator's default
  std::string reason;
  int line = 0;
};

struct RuleFile {
  static constexpr size_t kMaxRules = 1000;
  std::string name;
  std::string hash;  // 16 hex digits over the text
  std::vector<FileRule> rules;
};

// Every problem is found, not the first: *report (if given) gets all of them as a compiler prints
// them, the status is the first one with file, line and column. Errors of the 10xx and 60xx range.
StatusOr<RuleFile> ParseRuleFile(const std::string& file, std::string_view text,
                                 std::string* report = nullptr);

}  // namespace weir
