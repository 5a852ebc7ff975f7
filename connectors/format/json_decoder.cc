#include "connectors/format/json_decoder.h"

#include <charconv>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "connectors/format/field_names.h"
#include "engine/model/json_scan.h"
#include "engine/model/value.h"

namespace weir {
namespace {

constexpr uint32_t kAbsent = UINT32_MAX;

// Parses a whole token as JSON's integers are written: no plus, no leading zeros.
bool ParseInt(std::string_view token, int64_t* value) {
  const char* const end = token.data() + token.size();
  const auto result = std::from_chars(token.data(), end, *value);
  if (result.ec != std::errc() || result.ptr != end) return false;
  const size_t first = token[0] == '-' ? 1 : 0;
  return token[first] != '0' || token.size() == first + 1;
}

}  // namespace

// A line is read in two passes over its tokens. The first finds where the value of each field is
// and checks what is not kept; the second, in the schema's order, checks and appends each field.
// What the second accepts is valid JSON, so a good line is looked at once. Only when something is
// wrong the line is checked as a whole, so that a line that is no JSON is called that, and not
// "field 'a' has a wrong type".
class JsonDecoder::Impl {
 public:
  Impl(SchemaPtr schema, const JsonDecoderOptions& options)
      : schema_(std::move(schema)),
        scanner_({options.max_depth, options.max_string_bytes, options.max_record_bytes}),
        plan_(schema_->fields()) {}

  Status Decode(std::string_view line, RecordBatch* batch) {
    WEIR_CHECK(batch->schema() == schema_ || *batch->schema() == *schema_);
    if (const JsonFault fault = scanner_.Scan(line); fault != JsonFault::kNone) {
      return JsonFaultToStatus(fault, scanner_.limits());
    }
    const size_t rows = batch->width() > 0 ? batch->column(0).size() : 0;
    problem_ = {};
    uint32_t end = 0;
    if (IndexFields(&plan_, &end, 1) && end == scanner_.size() && AppendRow(batch)) {
      return absl::OkStatus();
    }
    batch->TruncateColumns(rows);
    return Explain();
  }

 private:
  // How to read one record, struct, list or map; its children read what it contains.
  struct Plan {
    explicit Plan(const std::vector<Field>& f)
        : fields(&f), names(f), positions(f.size(), kAbsent) {
      for (const Field& field : f) children.emplace_back(field.type.children);
    }
    const std::vector<Field>* fields;
    FieldNames names;
    std::vector<uint32_t> positions;  // token of each field's value in the current object
    std::vector<Plan> children;
  };

  struct Problem {
    enum class Kind { kSyntax, kMissing, kType, kTwice } kind = Kind::kSyntax;
    std::string path;
    const Field* field = nullptr;
    uint32_t token = kAbsent;
  };

  bool Fail(Problem::Kind kind, const Field& field, uint32_t token) {
    problem_ = {kind, {}, &field, token};
    return false;
  }

  // Fills plan->positions from the object at token *i and sets *i behind it. `depth` counts it.
  bool IndexFields(Plan* plan, uint32_t* i, int depth) {
    if (scanner_.Type(*i) != '{' || depth > scanner_.limits().max_depth) return false;
    std::fill(plan->positions.begin(), plan->positions.end(), kAbsent);
    if (scanner_.Type(++*i) == '}') return ++*i, true;
    for (size_t position = 0;; ++position) {
      if (!IndexField(plan, position, i, depth)) return false;
      const char next = scanner_.Type((*i)++);
      if (next != ',') return next == '}';
    }
  }

  bool IndexField(Plan* plan, size_t position, uint32_t* i, int depth) {
    if (scanner_.Type(*i) != '"' || scanner_.Type(*i + 1) != ':') return false;
    int found;
    if (!FindField(plan, position, *i, &found)) return false;
    *i += 2;
    if (found == FieldNames::kUnknown) return scanner_.Skip(i, depth) == JsonFault::kNone;
    const auto k = static_cast<size_t>(found);
    if (plan->positions[k] != kAbsent) {
      return Fail(Problem::Kind::kTwice, (*plan->fields)[k], *i);
    }
    plan->positions[k] = *i;
    return scanner_.Jump(i);
  }

  // Finds the field that the name token stands for. False if the token is no proper name.
  bool FindField(Plan* plan, size_t position, uint32_t token, int* field) {
    std::string_view raw, name;
    if (scanner_.RawString(token, &raw) != JsonFault::kNone) return false;
    if (plan->names.Guess(position, raw, field)) return true;
    if (scanner_.String(token, &scratch_, &name) != JsonFault::kNone) return false;
    *field = plan->names.Find(position, name, name != raw);
    return true;
  }

  bool AppendRow(RecordBatch* batch) {
    for (size_t k = 0; k < plan_.fields->size(); ++k) {
      if (!AppendMember(&plan_, k, 1, &batch->column(static_cast<int>(k)))) return false;
    }
    return true;
  }

  // Appends field k of the object that IndexFields has just read. `depth` counts that object.
  bool AppendMember(Plan* plan, size_t k, int depth, Column* column) {
    const Field& field = (*plan->fields)[k];
    if (AppendValue(field, plan->positions[k], &plan->children[k], depth, column)) return true;
    problem_.path = absl::StrCat(".", field.name, problem_.path);
    return false;
  }

  bool AppendValue(const Field& field, uint32_t i, Plan* plan, int depth, Column* column) {
    if (i == kAbsent || (scanner_.Type(i) == 'n' && scanner_.Token(i) == "null")) {
      if (!field.nullable) return Fail(Problem::Kind::kMissing, field, i);
      column->AppendNull();
      return true;
    }
    if (AppendPresent(field, i, plan, depth, column)) return true;
    if (problem_.field == nullptr) Fail(Problem::Kind::kType, field, i);
    return false;
  }

  bool AppendPresent(const Field& field, uint32_t i, Plan* plan, int depth, Column* column) {
    switch (field.type.kind) {
      case TypeKind::kInt64:
      case TypeKind::kTimestamp:
        return AppendInt(i, column);
      case TypeKind::kString:
        return AppendString(i, column);
      case TypeKind::kDouble:
        return AppendDouble(i, column);
      case TypeKind::kBool:
        return AppendBool(scanner_.Token(i), column);
      case TypeKind::kBytes:
        return AppendBytes(i, column);
      case TypeKind::kJson:
        return AppendJson(i, depth, column);
      case TypeKind::kList:
        return AppendList(i, plan, depth + 1, column);
      case TypeKind::kStruct:
        return AppendStruct(i, plan, depth + 1, column);
      case TypeKind::kMap:
        return AppendMap(i, plan, depth + 1, column);
    }
    return false;
  }

  bool AppendInt(uint32_t i, Column* column) {
    int64_t value;
    if (!ParseInt(scanner_.Token(i), &value)) return false;
    column->AppendInt(value);
    return true;
  }

  bool AppendString(uint32_t i, Column* column) {
    std::string_view text;
    if (!ReadString(i, &text)) return false;
    column->AppendString(text);
    return true;
  }

  bool AppendDouble(uint32_t i, Column* column) {
    std::string_view text;
    if (ReadString(i, &text)) {
      if (text != "NaN" && text != "Infinity" && text != "-Infinity") return false;
      column->AppendDouble(text == "NaN" ? NAN : text == "Infinity" ? HUGE_VAL : -HUGE_VAL);
      return true;
    }
    bool integer;
    if (!IsJsonNumber(scanner_.Token(i), &integer)) return false;
    const double value = JsonNumberToDouble(scanner_.Token(i));
    if (!std::isfinite(value)) return false;
    column->AppendDouble(value);
    return true;
  }

  static bool AppendBool(std::string_view text, Column* column) {
    if (text != "true" && text != "false") return false;
    column->AppendBool(text == "true");
    return true;
  }

  bool AppendBytes(uint32_t i, Column* column) {
    std::string_view text;
    std::string bytes;
    if (!ReadString(i, &text) || !DecodeBase64(text, &bytes)) return false;
    column->AppendString(bytes);
    return true;
  }

  bool AppendJson(uint32_t i, int depth, Column* column) {
    uint32_t end = i;
    if (scanner_.Skip(&end, depth) != JsonFault::kNone) return false;
    const std::string_view text = scanner_.Range(i, end);
    if (text.find_first_of("\r\n") == std::string_view::npos) {
      column->AppendString(text);
      return true;
    }
    // Written out again, a line break between tokens would cut the record in two.
    scratch_.clear();
    for (; i < end; ++i) scratch_ += scanner_.Token(i);
    column->AppendString(scratch_);
    return true;
  }

  bool AppendList(uint32_t i, Plan* plan, int depth, Column* column) {
    if (scanner_.Type(i) != '[' || depth > scanner_.limits().max_depth) return false;
    if (scanner_.Type(++i) != ']') {
      char next;
      size_t item = 0;
      do {
        if (!AppendValue((*plan->fields)[0], i, &plan->children[0], depth, &column->child(0))) {
          problem_.path = absl::StrCat("[", item, "]", problem_.path);
          return false;
        }
        if (!scanner_.Jump(&i)) return false;
        next = scanner_.Type(i++);
        ++item;
      } while (next == ',');
      if (next != ']') return false;
    }
    column->FinishList();
    return true;
  }

  bool AppendStruct(uint32_t i, Plan* plan, int depth, Column* column) {
    if (!IndexFields(plan, &i, depth)) return false;
    for (size_t k = 0; k < plan->fields->size(); ++k) {
      if (!AppendMember(plan, k, depth, &column->child(k))) return false;
    }
    column->FinishStruct();
    return true;
  }

  bool AppendMap(uint32_t i, Plan* plan, int depth, Column* column) {
    if (scanner_.Type(i) != '{' || depth > scanner_.limits().max_depth) return false;
    const size_t begin = column->child(0).size();
    if (scanner_.Type(++i) != '}') {
      char next;
      size_t entry = 0;
      do {
        if (!AppendEntry(&i, plan, depth, column)) {
          problem_.path = absl::StrCat("[", entry, "]", problem_.path);
          return false;
        }
        next = scanner_.Type(i++);
        ++entry;
      } while (next == ',');
      if (next != '}') return false;
    }
    if (!KeysDiffer(column->child(0), begin)) {
      return Fail(Problem::Kind::kTwice, (*plan->fields)[0], i);
    }
    column->FinishList();
    return true;
  }

  bool AppendEntry(uint32_t* i, Plan* plan, int depth, Column* column) {
    if (scanner_.Type(*i) != '"' || scanner_.Type(*i + 1) != ':') return false;
    const Field& key = (*plan->fields)[0];
    if (!AppendKey(key.type.kind, *i, &column->child(0))) {
      Fail(Problem::Kind::kType, key, *i);
      problem_.path = ".key";
      return false;
    }
    *i += 2;
    if (!AppendValue((*plan->fields)[1], *i, &plan->children[1], depth, &column->child(1))) {
      problem_.path = ".value" + problem_.path;
      return false;
    }
    return scanner_.Jump(i);
  }

  // JSON's names are strings; other keys stand in them as their own text.
  bool AppendKey(TypeKind kind, uint32_t i, Column* column) {
    std::string_view text;
    if (!ReadString(i, &text)) return false;
    if (kind == TypeKind::kBool) return AppendBool(text, column);
    if (kind == TypeKind::kInt64 || kind == TypeKind::kTimestamp) {
      int64_t value;
      if (!ParseInt(text, &value)) return false;
      column->AppendInt(value);
      return true;
    }
    column->AppendString(text);
    return kind == TypeKind::kString;
  }

  // Are the keys from `begin` on all different?
  static bool KeysDiffer(const Column& keys, size_t begin) {
    const size_t count = keys.size() - begin;
    if (count < 2) return true;
    if (keys.kind() == TypeKind::kString) {
      absl::flat_hash_set<std::string_view> seen;
      for (size_t k = begin; k < keys.size(); ++k) seen.insert(keys.String(k));
      return seen.size() == count;
    }
    absl::flat_hash_set<int64_t> seen;
    for (size_t k = begin; k < keys.size(); ++k) seen.insert(keys.Int(k));
    return seen.size() == count;
  }

  bool ReadString(uint32_t i, std::string_view* text) {
    return scanner_.Type(i) == '"' && scanner_.String(i, &scratch_, text) == JsonFault::kNone;
  }

  // The error of a line that could not be decoded.
  Status Explain() {
    uint32_t end = 0;
    JsonFault fault = scanner_.Skip(&end, 0);
    if (fault == JsonFault::kNone && end < scanner_.size()) fault = JsonFault::kSyntax;
    if (fault != JsonFault::kNone) return JsonFaultToStatus(fault, scanner_.limits());
    if (problem_.field == nullptr) {
      return Err(ErrorCode::kRecordNotJson, "expected an object", "one JSON object is one record");
    }
    if (problem_.kind == Problem::Kind::kTwice) return ExplainTwice();
    const std::string field = absl::StrCat("field '", problem_.path.substr(1), "'");
    if (problem_.kind == Problem::Kind::kMissing) {
      return Err(ErrorCode::kRecordMissingField,
                 absl::StrCat(field, problem_.token == kAbsent ? " is missing" : " is null"),
                 "end its type with '?' in the schema if it may be absent");
    }
    const Type& type = problem_.field->type;
    return Err(ErrorCode::kRecordWrongType,
               absl::StrCat(field, ": expected ", type.ToString(), ", found ", Found(type.kind)));
  }

  Status ExplainTwice() const {
    const std::string path = absl::StrCat(problem_.path, ".", problem_.field->name);
    return Err(ErrorCode::kRecordNotJson,
               absl::StrCat("field '", path.substr(1), "' stands twice"));
  }

  const char* Found(TypeKind expected) const {
    switch (scanner_.Type(problem_.token)) {
      case '{':
        return "an object";
      case '[':
        return "a list";
      case '"':
        return expected == TypeKind::kBytes ? "a string that is not base64" : "a string";
      case 't':
      case 'f':
        return "a bool";
      default:
        break;
    }
    bool integer;
    IsJsonNumber(scanner_.Token(problem_.token), &integer);
    if (expected == TypeKind::kDouble) return "a number that no double can hold";
    if (expected != TypeKind::kInt64 && expected != TypeKind::kTimestamp) return "a number";
    return integer ? "an integer outside of 64 bits" : "a number with a fraction or an exponent";
  }

  const SchemaPtr schema_;
  JsonScanner scanner_;
  Plan plan_;
  std::string scratch_;
  Problem problem_;
};

JsonDecoder::JsonDecoder(SchemaPtr schema, const JsonDecoderOptions& options)
    : impl_(std::make_unique<Impl>(std::move(schema), options)) {}
JsonDecoder::~JsonDecoder() = default;

Status JsonDecoder::Decode(std::string_view line, RecordBatch* batch) {
  return impl_->Decode(line, batch);
}

}  // namespace weir
