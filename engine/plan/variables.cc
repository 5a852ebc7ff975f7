#include "engine/plan/variables.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/yaml/diagnostics.h"

namespace weir {
namespace {

constexpr int kMaxNesting = 8;
constexpr size_t kMaxResolvedBytes = 1 << 20;  // of one scalar

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// Resolves one scalar's text.
class Resolver {
 public:
  Resolver(const VariableLookup& lookup, YamlNode* node) : lookup_(lookup), node_(node) {}

  // The error and where in the text it is.
  struct Problem {
    size_t at;
    std::string message;
    std::string hint;
  };

  std::optional<Problem> Run() {
    const std::string text = node_->text;
    text_ = text;
    std::string out;
    size_t at = 0;
    if (!Expand(&at, 0, &out)) return problem_;
    node_->text = std::move(out);
    return std::nullopt;
  }

 private:
  bool Fail(size_t at, std::string message, std::string hint = {}) {
    problem_ = Problem{at, std::move(message), std::move(hint)};
    return false;
  }

  // Up to the end of the text, or at depth > 0 to the closing brace (not consumed).
  bool Expand(size_t* at, int depth, std::string* out) {
    while (*at < text_.size()) {
      if (out->size() > kMaxResolvedBytes)
        return Fail(0, "the value with its variables is too long");
      const std::string_view rest = std::string_view(text_).substr(*at);
      if (rest.starts_with("$${")) {
        out->append("${");
        *at += 3;
        // At the top an escaped reference ends with a brace of its own, which is just a character.
        if (depth > 0 && !CopyEscaped(at, out)) return false;
      } else if (rest.starts_with("${")) {
        if (!Reference(at, depth, out)) return false;
      } else if (depth > 0 && rest.front() == '}') {
        return true;
      } else {
        out->push_back(rest.front());
        ++*at;
      }
    }
    return true;
  }

  // Inside a default, "$${x}" is copied with its brace, which would otherwise end the default.
  bool CopyEscaped(size_t* at, std::string* out) {
    const size_t end = text_.find('}', *at);
    if (end == std::string::npos) return Fail(*at, "a '}' is missing after '$${'");
    out->append(text_, *at, end + 1 - *at);
    *at = end + 1;
    return true;
  }

  bool Reference(size_t* at, int depth, std::string* out) {
    const size_t begin = *at;
    if (depth >= kMaxNesting) return Fail(begin, "variables are nested too deeply");
    size_t end = begin + 2;
    while (end < text_.size() && IsNameCharacter(text_[end])) ++end;
    const std::string name = text_.substr(begin + 2, end - begin - 2);
    const std::string_view rest = std::string_view(text_).substr(end);
    if (name.empty() || absl::ascii_isdigit(name[0])) {
      return Fail(begin, "a variable's name is missing after '${'",
                  "write ${NAME}, ${NAME:-default} or ${NAME:?message}; $${ is a literal ${");
    }
    const bool with_default = rest.starts_with(":-"), with_message = rest.starts_with(":?");
    if (!rest.starts_with('}') && !with_default && !with_message) {
      return Fail(begin,
                  rest.empty() ? absl::StrCat("a '}' is missing after '${", name, "'")
                               : absl::StrCat("expected '}', ':-' or ':?' after '${", name, "'"),
                  "write ${NAME}, ${NAME:-default} or ${NAME:?message}");
    }
    std::string alternative;
    *at = end + (with_default || with_message ? 2 : 0);
    if (!Expand(at, depth + 1, &alternative)) return false;
    if (*at >= text_.size())
      return Fail(begin, absl::StrCat("a '}' is missing after '${", name, "'"));
    ++*at;
    return Substitute(name, with_default, with_message, alternative, begin, out);
  }

  bool Substitute(const std::string& name, bool with_default, bool with_message,
                  const std::string& alternative, size_t begin, std::string* out) {
    if (IsSecretKey(name)) node_->secret = true;
    const std::optional<std::string> value = lookup_ ? lookup_(name) : std::nullopt;
    const bool missing = !value || (value->empty() && (with_default || with_message));
    if (!missing) {
      out->append(*value);
    } else if (with_default) {
      out->append(alternative);
    } else if (with_message && !alternative.empty()) {
      return Fail(begin, absl::StrCat("the variable ", name, " is not set: ", alternative));
    } else {
      return Fail(begin, absl::StrCat("the variable ", name, " is not set"),
                  absl::StrCat("export ", name, "=..., or give a default: ${", name, ":-default}"));
    }
    return true;
  }

  const VariableLookup& lookup_;
  YamlNode* node_;
  std::string text_;
  Problem problem_;
};

void ResolveScalar(const VariableLookup& lookup, Diagnostics* diagnostics, YamlNode* node) {
  if (node->text.find("${") == std::string::npos) return;
  const YamlNode before = *node;
  const auto problem = Resolver(lookup, node).Run();
  // What is said about the text's inside can no longer be shown in the file.
  node->text_line = node->text_column = 0;
  if (!problem) return;
  node->broken = true;
  SourceMark mark = node->mark;
  if (before.text_line == mark.line && before.text.find('\n') == std::string::npos &&
      mark.line > 0) {
    mark.column = before.text_column + static_cast<int>(problem->at);
  }
  diagnostics->Error(mark, ErrorCode::kConfigVariable, problem->message, problem->hint);
}

}  // namespace

void ResolveVariables(const VariableLookup& lookup, Diagnostics* diagnostics, YamlNode* root) {
  if (root->IsScalar()) ResolveScalar(lookup, diagnostics, root);
  for (YamlNode& child : root->children) ResolveVariables(lookup, diagnostics, &child);
}

}  // namespace weir
