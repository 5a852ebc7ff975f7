#include "engine/plan/overrides.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/yaml/diagnostics.h"

namespace weir {
namespace {

void Remark(SourceMark mark, YamlNode* node) {
  node->mark = mark;
  if (!node->key.empty()) node->key_mark = mark;
  node->text_line = node->text_column = 0;
  for (YamlNode& child : node->children) Remark(mark, &child);
}

void SetSecret(YamlNode* node) {
  node->secret = true;
  for (YamlNode& child : node->children) SetSecret(&child);
}

class Override {
 public:
  Override(const std::string& text, int number, Diagnostics* diagnostics)
      : text_(text), mark_{-number, 1, 2}, diagnostics_(diagnostics) {}

  void Apply(YamlNode* root) {
    const size_t equals = text_.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Fail(ErrorCode::kConfigSyntax, "expected path=value",
                  "for example --set job.parallelism=4");
    }
    const std::vector<std::string> path = absl::StrSplit(text_.substr(0, equals), '.');
    YamlNode value;
    if (!ParseValue(text_.substr(equals + 1), &value)) return;
    YamlNode* node = root;
    for (size_t i = 0; i < path.size(); ++i) {
      if (path[i].empty()) {
        return Fail(ErrorCode::kConfigSyntax, "the path has an empty part",
                    "for example --set job.parallelism=4");
      }
      node = Step(node, path, i);
      if (node == nullptr) return;
    }
    Replace(std::move(value), path.back(), node);
  }

 private:
  void Fail(ErrorCode code, std::string message, std::string hint = {}) {
    diagnostics_->Error(mark_, code, std::move(message), std::move(hint));
  }

  bool ParseValue(const std::string& yaml, YamlNode* value) {
    Diagnostics own("--set", yaml);
    if (ParseYaml(yaml, &own, value) && own.ok()) return true;
    for (const Diagnostic& problem : own.Sorted()) {
      Fail(static_cast<ErrorCode>(problem.number), absl::StrCat("in the value: ", problem.message),
           problem.hint);
    }
    return false;
  }

  // The node that path[i] names below `node`; created where a key is missing.
  YamlNode* Step(YamlNode* node, const std::vector<std::string>& path, size_t i) {
    const std::string& part = path[i];
    if (node->IsSequence()) return ListItem(node, path, i);
    if (node->IsScalar()) {
      Fail(ErrorCode::kConfigWrongType, absl::StrCat(Above(path, i), " is a value, not a table"));
      return nullptr;
    }
    if (node->IsNull()) node->kind = YamlNode::Kind::kMapping;
    if (YamlNode* child = node->Find(part)) return child;
    YamlNode child;
    child.key = part;
    child.key_mark = child.mark = mark_;
    child.secret = node->secret || IsSecretKey(part);
    node->children.push_back(std::move(child));
    return &node->children.back();
  }

  YamlNode* ListItem(YamlNode* list, const std::vector<std::string>& path, size_t i) {
    std::vector<std::string> names;
    for (YamlNode& item : list->children) {
      const YamlNode* name = item.Find("name");
      if (name == nullptr) continue;
      if (name->text == path[i]) return &item;
      names.push_back(name->text);
    }
    const std::string near = NearestName(path[i], names);
    Fail(ErrorCode::kConfigUnknownName,
         absl::StrCat(Above(path, i), " has no item named '", path[i], "'"),
         near.empty() ? "" : absl::StrCat("did you mean '", near, "'?"));
    return nullptr;
  }

  static std::string Above(const std::vector<std::string>& path, size_t i) {
    std::string out = "'";
    for (size_t k = 0; k < i; ++k) absl::StrAppend(&out, k > 0 ? "." : "", path[k]);
    return out + "'";
  }

  void Replace(YamlNode value, const std::string& name, YamlNode* node) {
    const bool secret = node->secret || IsSecretKey(name);
    value.key = node->key;
    Remark(mark_, &value);
    if (secret) SetSecret(&value);
    *node = std::move(value);
  }

  const std::string& text_;
  SourceMark mark_;
  Diagnostics* diagnostics_;
};

}  // namespace

void ApplyOverrides(const std::vector<std::string>& overrides, Diagnostics* diagnostics,
                    YamlNode* root) {
  diagnostics->SetOverrides(overrides);
  for (size_t i = 0; i < overrides.size(); ++i) {
    Override(overrides[i], static_cast<int>(i) + 1, diagnostics).Apply(root);
  }
}

}  // namespace weir
