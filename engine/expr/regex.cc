#include "engine/expr/regex.h"

#include <re2/re2.h>

namespace weir::expr {

Regex::Regex(std::string_view pattern, std::string* error) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  re_ = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!re_->ok()) *error = re_->error();
}

Regex::~Regex() = default;

const std::string& Regex::pattern() const { return re_->pattern(); }

bool Regex::Matches(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *re_);
}

Err MatchDynamic(Scratch& scratch, std::string_view text, std::string_view pattern, bool* out) {
  // Patterns that come from data repeat from row to row far more often than not.
  if (scratch.regex == nullptr || scratch.regex->pattern() != pattern) {
    std::string error;
    auto compiled = std::make_shared<Regex>(pattern, &error);
    if (!error.empty()) return Err::kPattern;
    scratch.regex = std::move(compiled);
  }
  *out = scratch.regex->Matches(text);
  return Err::kOk;
}

}  // namespace weir::expr
