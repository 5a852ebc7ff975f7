// RE2 with bounded memory; the only place that includes it besides its users' .cc files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/expr/state.h"

namespace re2 {
class RE2;
}

namespace weir::expr {

class Regex {
 public:
  // `error` is set if the pattern is invalid or needs too much memory.
  explicit Regex(std::string_view pattern, std::string* error);
  ~Regex();
  const std::string& pattern() const;
  bool Matches(std::string_view text) const;  // anywhere in the text

 private:
  std::unique_ptr<re2::RE2> re_;
};

// For patterns that are not constant: compiles, remembering the last one in `scratch`.
Err MatchDynamic(Scratch& scratch, std::string_view text, std::string_view pattern, bool* out);

}  // namespace weir::expr
