#include "engine/yaml/node_errors.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/yaml/diagnostics.h"

namespace weir {
namespace {

// Reads "12:3: text" into its parts.
bool SplitPosition(std::string_view message, int* line, int* column, std::string_view* rest) {
  const char* end = message.data() + message.size();
  const auto first = std::from_chars(message.data(), end, *line);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return false;
  const auto second = std::from_chars(first.ptr + 1, end, *column);
  if (second.ec != std::errc() || end - second.ptr < 2) return false;
  *rest = message.substr(static_cast<size_t>(second.ptr - message.data()));
  if (!rest->starts_with(": ")) return false;
  rest->remove_prefix(2);
  return *line > 0 && *column > 0;
}

// The item of a list that `part` means: its name, its text or its index.
const YamlNode* ListItem(const YamlNode& list, const std::string& part) {
  for (const YamlNode& item : list.children) {
    const YamlNode* name = item.Find("name");
    if ((item.IsScalar() && item.text == part) || (name != nullptr && name->text == part)) {
      return &item;
    }
  }
  int index = -1;
  const bool in_range = absl::SimpleAtoi(part, &index) && index >= 0 &&
                        static_cast<size_t>(index) < list.children.size();
  return in_range ? &list.children[static_cast<size_t>(index)] : nullptr;
}

// The node at `path`, or the deepest one above it that exists; nullptr if nothing of it does.
const YamlNode* FindPath(const YamlNode& node, std::string_view path, bool* whole) {
  const YamlNode* at = &node;
  *whole = true;
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string part(path.substr(0, dot));
    const YamlNode* next = at->IsSequence() ? ListItem(*at, part) : at->Find(part);
    // A scalar stands for a list of one.
    if (next == nullptr) {
      *whole = at->IsScalar() && at != &node;
      break;
    }
    at = next;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at == &node ? nullptr : at;
}

// Columns (code points) from `column` that belong to the same word, at least one.
int WordLength(std::string_view line, int column) {
  size_t i = 0;
  for (int at = 1; i < line.size() && at < column; ++at) {
    ++i;
    while (i < line.size() && (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80) ++i;
  }
  const size_t begin = i;
  while (i < line.size() && (absl::ascii_isalnum(line[i]) || line[i] == '_')) ++i;
  return std::max(1, static_cast<int>(i - begin));
}

bool IsExpressionError(int number) {
  return number >= static_cast<int>(ErrorCode::kExprSyntax) &&
         number <= static_cast<int>(ErrorCode::kExprCost);
}

}  // namespace

SourceMark NodeErrors::NameMark(const YamlNode& node) {
  const YamlNode* name = node.Find("name");
  return name != nullptr ? name->mark : node.OwnMark();
}

bool NodeErrors::AddInsideExpression(const YamlNode& at, const Status& status) {
  const std::string message(ToStd(status.message()));
  int line, column;
  std::string_view text;
  if (!IsExpressionError(ErrorNumber(status)) || !SplitPosition(message, &line, &column, &text)) {
    return false;
  }
  const auto code = static_cast<ErrorCode>(ErrorNumber(status));
  if (at.text_line == 0) {
    diagnostics_->Error(
        at.mark, code,
        absl::StrCat(ToAbsl(text), " (in the expression, line ", line, " column ", column, ")"),
        ErrorHint(status));
    return true;
  }
  SourceMark mark;
  mark.line = at.text_line + line - 1;
  mark.column = at.text_column + column - 1;
  mark.end_column = mark.column + WordLength(diagnostics_->Line(mark.line), mark.column);
  diagnostics_->Error(mark, code, std::string(text), ErrorHint(status));
  return true;
}

void NodeErrors::Add(std::string_view option, const Status& status) {
  bool whole = true;
  const YamlNode* at = FindPath(node_, option, &whole);
  if (at == nullptr) return diagnostics_->Error(NameMark(node_), status);
  if (AddInsideExpression(*at, status)) return;
  // An entry of a table that does not fit the input is named by its key.
  const bool key = option.find('.') != std::string_view::npos && at->key_mark.line != 0 &&
                   (!whole || ErrorNumber(status) == static_cast<int>(ErrorCode::kPlanSchema));
  if (key) return diagnostics_->Error(at->key_mark, status);
  diagnostics_->Error(*at, status);
}

}  // namespace weir
