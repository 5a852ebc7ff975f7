// The text of types in a topology: "list<string?>", "struct{a: int64, b: string?}".
#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/model/types.h"

namespace weir {
namespace {

constexpr int kMaxTypeDepth = 32;  // every walk over a type recurses this deep

struct TypeName {
  std::string_view name;
  TypeKind kind;
};
constexpr std::array<TypeName, 11> kTypeNames = {{{"bool", TypeKind::kBool},
                                                  {"int64", TypeKind::kInt64},
                                                  {"double", TypeKind::kDouble},
                                                  {"string", TypeKind::kString},
                                                  {"bytes", TypeKind::kBytes},
                                                  {"timestamp_ms", TypeKind::kTimestamp},
                                                  {"timestamp", TypeKind::kTimestamp},
                                                  {"json", TypeKind::kJson},
                                                  {"list", TypeKind::kList},
                                                  {"struct", TypeKind::kStruct},
                                                  {"map", TypeKind::kMap}}};

// What other systems call our types; only used for hints.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kForeignNames = {
    {{"int", "int64"},
     {"integer", "int64"},
     {"long", "int64"},
     {"bigint", "int64"},
     {"int32", "int64"},
     {"uint64", "int64"},
     {"float", "double"},
     {"float64", "double"},
     {"number", "double"},
     {"text", "string"},
     {"varchar", "string"},
     {"binary", "bytes"},
     {"date", "timestamp_ms"},
     {"datetime", "timestamp_ms"},
     {"array", "list"},
     {"object", "struct"}}};

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string HintFor(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const auto& [foreign, ours] : kForeignNames) {
    if (name == foreign) return absl::StrCat("did you mean '", ToAbsl(ours), "'?");
  }
  std::string_view best;
  size_t best_distance = 3;  // further away it is no typing error
  for (const TypeName& known : kTypeNames) {
    if (name.size() > 2 * known.name.size()) continue;
    const size_t distance = EditDistance(name, known.name);
    if (distance < best_distance) {
      best = known.name;
      best_distance = distance;
    }
  }
  if (!best.empty()) return absl::StrCat("did you mean '", ToAbsl(best), "'?");
  return "known types: bool, int64, double, string, bytes, timestamp_ms, json, list<..>, "
         "struct{..}, map<..,..>";
}

class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  StatusOr<Field> ParseAll(std::string_view name) {
    WEIR_ASSIGN_OR_RETURN(Field field, ParseField(name, 0));
    SkipSpace();
    if (pos_ < text_.size()) return Unexpected("the end of the type");
    return field;
  }

 private:
  // type := name [ '<' ... '>' | '{' ... '}' ] [ '?' ]
  StatusOr<Field> ParseField(std::string_view name, int depth) {
    if (depth > kMaxTypeDepth) {
      return Bad(absl::StrCat("nests deeper than ", kMaxTypeDepth, " levels"));
    }
    Field field;
    field.name = std::string(name);
    WEIR_ASSIGN_OR_RETURN(field.type.kind, ParseKind());
    switch (field.type.kind) {
      case TypeKind::kList:
        WEIR_RETURN_IF_ERROR(ParseList(&field.type, depth));
        break;
      case TypeKind::kMap:
        WEIR_RETURN_IF_ERROR(ParseMap(&field.type, depth));
        break;
      case TypeKind::kStruct:
        WEIR_RETURN_IF_ERROR(ParseStruct(&field.type, depth));
        break;
      default:
        break;
    }
    field.nullable = Accept('?');
    return field;
  }

  StatusOr<TypeKind> ParseKind() {
    SkipSpace();
    const size_t start = pos_;
    const std::string_view word = Word();
    if (word.empty()) return Unexpected("a type name");
    for (const TypeName& known : kTypeNames) {
      if (known.name == word) return known.kind;
    }
    return Err(ErrorCode::kConfigUnknownType,
               absl::StrCat("unknown type '", ToAbsl(word), "'", At(start)),
               HintFor(std::string(word)));
  }

  Status ParseList(Type* type, int depth) {
    WEIR_RETURN_IF_ERROR(Expect('<'));
    WEIR_ASSIGN_OR_RETURN(Field item, ParseField("item", depth + 1));
    WEIR_RETURN_IF_ERROR(Expect('>'));
    type->children.push_back(std::move(item));
    return absl::OkStatus();
  }

  Status ParseMap(Type* type, int depth) {
    WEIR_RETURN_IF_ERROR(Expect('<'));
    const size_t start = pos_;
    WEIR_ASSIGN_OR_RETURN(Field key, ParseField("key", depth + 1));
    const TypeKind kind = key.type.kind;
    const bool usable = kind == TypeKind::kString || kind == TypeKind::kInt64 ||
                        kind == TypeKind::kBool || kind == TypeKind::kTimestamp;
    if (!usable || key.nullable) {
      return Bad(
          absl::StrCat("a map's key must be string, int64, bool or timestamp_ms and not "
                       "nullable",
                       At(start)));
    }
    WEIR_RETURN_IF_ERROR(Expect(','));
    WEIR_ASSIGN_OR_RETURN(Field value, ParseField("value", depth + 1));
    WEIR_RETURN_IF_ERROR(Expect('>'));
    type->children.push_back(std::move(key));
    type->children.push_back(std::move(value));
    return absl::OkStatus();
  }

  Status ParseStruct(Type* type, int depth) {
    WEIR_RETURN_IF_ERROR(Expect('{'));
    do {
      SkipSpace();
      const size_t start = pos_;
      const std::string_view name = Word();
      if (name.empty()) return Unexpected("a field name");
      for (const Field& other : type->children) {
        if (other.name == name) {
          return Bad(absl::StrCat("field '", ToAbsl(name), "' stands twice", At(start)));
        }
      }
      WEIR_RETURN_IF_ERROR(Expect(':'));
      WEIR_ASSIGN_OR_RETURN(Field field, ParseField(name, depth + 1));
      type->children.push_back(std::move(field));
    } while (Accept(','));
    return Expect('}');
  }

  void SkipSpace() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t')) ++pos_;
  }
  std::string_view Word() {
    const size_t start = pos_;
    while (pos_ < text_.size() &&
           std::string_view("<>{}:,? \t\r\n").find(text_[pos_]) == std::string_view::npos) {
      ++pos_;
    }
    return text_.substr(start, pos_ - start);
  }
  bool Accept(char c) {
    SkipSpace();
    if (pos_ >= text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  Status Expect(char c) {
    if (Accept(c)) return absl::OkStatus();
    return Unexpected(absl::StrCat("'", std::string(1, c), "'"));
  }
  Status Unexpected(const std::string& expected) {
    const std::string found =
        pos_ < text_.size() ? absl::StrCat("'", std::string(1, text_[pos_]), "'") : "the end";
    return Bad(absl::StrCat("expected ", expected, ", found ", found, At(pos_)));
  }
  Status Bad(const std::string& what) {
    return Err(ErrorCode::kConfigBadValue, absl::StrCat("type '", ToAbsl(text_), "': ", what));
  }
  static std::string At(size_t pos) { return absl::StrCat(" at character ", pos + 1); }

  std::string_view text_;
  size_t pos_ = 0;
};

}  // namespace

StatusOr<Field> ParseFieldType(std::string_view name, std::string_view text) {
  return TypeParser(text).ParseAll(name);
}

}  // namespace weir
