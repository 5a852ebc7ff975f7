#include "agent/fail_safe.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir {

bool IsIdentifier(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 64 && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), allowed);
}

StatusOr<FailSafe> FailSafe::Create(std::string verdict, std::string action) {
  if (verdict == kReleaseVerdict) {
    return Err(ErrorCode::kConfigBadValue, "the fail-safe verdict must not be 'release'",
               "use 'hold': nothing that waits passes because the agent is away");
  }
  for (const std::string& name : {verdict, action}) {
    if (!IsIdentifier(name)) {
      return Err(ErrorCode::kConfigBadValue,
                 absl::StrCat("'", name, "' is no identifier of lower-case letters"));
    }
  }
  FailSafe f;
  f.verdict_ = std::move(verdict);
  f.action_ = action == "none" ? std::string() : std::move(action);
  return f;
}

void FailSafe::Apply(const Status& cause, Decision* decision) const {
  decision->verdict = verdict_;
  decision->action = action_;
  decision->source = Decision::Source::kFailSafe;
  decision->reason = FormatError(cause);
  decision->rule.reset();
}

}  // namespace weir
