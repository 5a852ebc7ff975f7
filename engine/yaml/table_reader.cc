#include "engine/yaml/table_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/yaml/diagnostics.h"

namespace weir {
namespace {

const char* Expected(OptionType type) {
  switch (type) {
    case OptionType::kInt:
      return "an integer";
    case OptionType::kDouble:
      return "a number";
    case OptionType::kBool:
      return "true or false";
    case OptionType::kDuration:
      return "a duration";
    case OptionType::kSize:
      return "a size";
    case OptionType::kStringList:
      return "a list of texts";
    case OptionType::kExpr:
      return "an expression";
    case OptionType::kStringMap:
    case OptionType::kSchema:
    case OptionType::kTable:
      return "a table";
    case OptionType::kVariant:
      return "a name";
    case OptionType::kString:
      break;
  }
  return "a text";
}

std::nullopt_t WrongKind(const YamlNode& node, OptionType type, Diagnostics* diagnostics,
                         std::string hint = {}) {
  diagnostics->Error(node.mark, ErrorCode::kConfigWrongType,
                     absl::StrCat("expected ", Expected(type), ", found ", node.Describe()),
                     std::move(hint));
  return std::nullopt;
}

std::optional<OptionValue> ReadScalar(const YamlNode& node, const OptionDef& def,
                                      Diagnostics* diagnostics) {
  if (node.broken) return std::nullopt;
  if (!node.IsScalar()) return WrongKind(node, def.type, diagnostics);
  StatusOr<OptionValue> value = Options::ParseScalar(def, node.text);
  if (!value.ok()) {
    // What fails for its form fails for these stars too, and then nothing of the secret is shown.
    const Status status = node.secret ? Options::ParseScalar(def, "***").status() : value.status();
    diagnostics->Error(node, status.ok() ? value.status() : status);
    return std::nullopt;
  }
  value->mark = node.mark;
  return *std::move(value);
}

std::optional<OptionValue> ReadList(const YamlNode& node, const OptionDef& def,
                                    Diagnostics* diagnostics) {
  if (node.IsScalar()) {
    auto value = ReadScalar(node, def, diagnostics);
    if (value) value->item_marks = {node.mark};
    return value;
  }
  if (!node.IsSequence()) {
    return WrongKind(node, def.type, diagnostics, "write [a, b], or a single text");
  }
  OptionValue value;
  value.mark = node.mark;
  bool good = true;
  for (const YamlNode& item : node.children) {
    const auto read = ReadScalar(item, def, diagnostics);
    good = good && read;
    if (!read) continue;
    value.list.push_back(item.text);
    value.item_marks.push_back(item.mark);
  }
  if (!good) return std::nullopt;
  return value;
}

std::optional<OptionValue> ReadEntries(const YamlNode& node, const OptionDef& def,
                                       Diagnostics* diagnostics) {
  if (!node.IsMapping()) {
    return WrongKind(node, def.type, diagnostics,
                     def.type == OptionType::kSchema ? "write { field: type, ... }"
                                                     : "write { name: text, ... }");
  }
  OptionDef text;
  text.allowed = def.allowed;
  OptionValue value;
  value.mark = node.mark;
  bool good = def.type != OptionType::kSchema || ReadSchema(node, diagnostics) != nullptr;
  for (const YamlNode& child : node.children) {
    if (def.type == OptionType::kSchema && !child.IsScalar()) continue;  // reported by ReadSchema
    good = ReadScalar(child, text, diagnostics).has_value() && good;
    value.entries.emplace_back(child.key, child.text);
    value.item_marks.push_back(child.mark);
  }
  if (!good) return std::nullopt;
  return value;
}

const OptionDef* FindAlternative(const OptionDef& def, const std::string& name, SourceMark mark,
                                 Diagnostics* diagnostics) {
  std::vector<std::string> known;
  for (const OptionDef& alternative : def.table) {
    if (alternative.name == name) return &alternative;
    known.push_back(alternative.name);
  }
  diagnostics->Error(mark, ErrorCode::kConfigUnknownType,
                     absl::StrCat("there is no ", def.name, " '", name, "'"),
                     SuggestName(name, known, absl::StrCat("known ", def.name, "s")));
  return nullptr;
}

std::optional<OptionValue> ReadVariant(const YamlNode& node, const OptionDef& def,
                                       std::string_view where, Diagnostics* diagnostics) {
  OptionValue value;
  if (!node.IsMapping()) {
    auto name = ReadScalar(node, def, diagnostics);
    if (!name || FindAlternative(def, name->text, node.mark, diagnostics) == nullptr) {
      return std::nullopt;
    }
    return name;
  }
  if (node.children.size() != 1) {
    return WrongKind(
        node, def.type, diagnostics,
        absl::StrCat("write ", def.name, ": name, or ", def.name, ": { name: { its options } }"));
  }
  const YamlNode& child = node.children[0];
  const OptionDef* alternative = FindAlternative(def, child.key, child.key_mark, diagnostics);
  if (alternative == nullptr) return std::nullopt;
  auto table = ReadTable(child, alternative->table, absl::StrCat(ToAbsl(where), ", ", child.key),
                         {}, diagnostics);
  if (!table) return std::nullopt;
  value.text = child.key;
  value.mark = node.mark;
  value.table = std::make_shared<const Options>(*std::move(table));
  return value;
}

std::optional<OptionValue> ReadValue(const YamlNode& node, const OptionDef& def,
                                     std::string_view where, Diagnostics* diagnostics) {
  switch (def.type) {
    case OptionType::kStringList:
      return ReadList(node, def, diagnostics);
    case OptionType::kStringMap:
    case OptionType::kSchema:
      return ReadEntries(node, def, diagnostics);
    case OptionType::kVariant:
      return ReadVariant(node, def, where, diagnostics);
    case OptionType::kTable: {
      auto table =
          ReadTable(node, def.table, absl::StrCat(ToAbsl(where), ", ", def.name), {}, diagnostics);
      if (!table) return std::nullopt;
      OptionValue value;
      value.mark = node.mark;
      value.table = std::make_shared<const Options>(*std::move(table));
      return value;
    }
    default:
      return ReadScalar(node, def, diagnostics);
  }
}

}  // namespace

std::optional<OptionValue> ReadKey(const YamlNode& node, const OptionDef& def,
                                   std::string_view where, const std::vector<std::string>& meant,
                                   Diagnostics* diagnostics) {
  const YamlNode* child = node.Find(def.name);
  if (child != nullptr) return ReadValue(*child, def, where, diagnostics);
  if (def.required && std::find(meant.begin(), meant.end(), def.name) == meant.end()) {
    diagnostics->Error(node.OwnMark(), ErrorCode::kConfigMissingKey,
                       absl::StrCat("missing required key '", def.name, "' ", ToAbsl(where)),
                       def.doc.empty() ? "" : absl::StrCat(def.name, ": ", def.doc));
  }
  return std::nullopt;
}

std::optional<Options> ReadTable(const YamlNode& node, const std::vector<OptionDef>& defs,
                                 std::string_view where, const std::vector<std::string>& also,
                                 Diagnostics* diagnostics) {
  if (!node.IsMapping() && !node.IsNull()) {
    return WrongKind(node, OptionType::kTable, diagnostics, "write { key: value, ... }");
  }
  const int errors_before = diagnostics->errors();
  std::vector<std::string> known = also;
  for (const OptionDef& def : defs) known.push_back(def.name);
  CheckKeys(node, known, where, diagnostics);
  const std::vector<std::string> meant = MeantKeys(node, known);
  Options options;
  bool all = true;
  for (const OptionDef& def : defs) {
    auto value = ReadKey(node, def, where, meant, diagnostics);
    all = all && (value || node.Find(def.name) == nullptr);
    if (value) options.Set(def.name, *std::move(value));
  }
  if (!all || diagnostics->errors() != errors_before) return std::nullopt;
  const Status filled = options.FillDefaults(defs);
  if (filled.ok()) return options;
  diagnostics->Error(node.OwnMark(), filled);
  return std::nullopt;
}

SchemaPtr ReadSchema(const YamlNode& node, Diagnostics* diagnostics) {
  std::vector<Field> fields;
  bool good = node.IsMapping();
  for (const YamlNode& child : node.children) {
    if (child.broken) {
      good = false;
      continue;
    }
    if (!child.IsScalar()) {
      diagnostics->Error(child.mark, ErrorCode::kConfigWrongType,
                         absl::StrCat("expected the type of a field, found ", child.Describe()),
                         "put types that hold ': ' in quotes: \"struct{a: int64}\"");
      good = false;
      continue;
    }
    StatusOr<Field> field = ParseFieldType(child.key, child.text);
    if (field.ok()) {
      fields.push_back(*std::move(field));
    } else {
      diagnostics->Error(child, field.status());
      good = false;
    }
  }
  if (good && fields.empty()) {
    diagnostics->Error(node.mark, ErrorCode::kConfigBadValue, "a schema needs at least one field");
    return nullptr;
  }
  return good ? MakeSchema(std::move(fields)) : nullptr;
}

void CheckKeys(const YamlNode& node, const std::vector<std::string>& known, std::string_view where,
               Diagnostics* diagnostics) {
  for (const YamlNode& child : node.children) {
    if (!node.IsMapping() || std::find(known.begin(), known.end(), child.key) != known.end()) {
      continue;
    }
    diagnostics->Error(child.key_mark, ErrorCode::kConfigUnknownKey,
                       absl::StrCat("unknown key '", child.key, "' ", ToAbsl(where)),
                       SuggestName(child.key, known, "known here"));
  }
}

std::vector<std::string> MeantKeys(const YamlNode& node, const std::vector<std::string>& known) {
  std::vector<std::string> meant;
  for (const YamlNode& child : node.children) {
    if (!node.IsMapping() || std::find(known.begin(), known.end(), child.key) != known.end()) {
      continue;
    }
    meant.push_back(NearestName(child.key, known));
  }
  return meant;
}

std::string SuggestName(std::string_view name, const std::vector<std::string>& candidates,
                        std::string_view label) {
  const std::string near = NearestName(name, candidates);
  if (!near.empty()) return absl::StrCat("did you mean '", near, "'?");
  if (candidates.empty()) return "";
  return absl::StrCat(ToAbsl(label), ": ", absl::StrJoin(candidates, ", "));
}

bool IsName(std::string_view name) {
  if (name.empty() || (!absl::ascii_isalpha(name[0]) && name[0] != '_')) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; });
}

}  // namespace weir
