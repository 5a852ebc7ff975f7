#include "agent/signature.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir {

namespace {

// Kinds must be equal: an int constant in a timestamp field would be another predicate than meant.
bool HasExactKind(const Value& value, TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
      return value.kind() == Value::Kind::kBool;
    case TypeKind::kInt64:
      return value.kind() == Value::Kind::kInt;
    case TypeKind::kString:
      return value.kind() == Value::Kind::kString;
    case TypeKind::kTimestamp:
      return value.kind() == Value::Kind::kTimestamp;
    default:
      return false;
  }
}

}  // namespace

StatusOr<Signature> Signature::Create(const Schema& schema,
                                      const std::vector<std::string>& fields) {
  if (fields.empty()) return Err(ErrorCode::kPlanKey, "a signature needs at least one field");
  Signature s;
  s.fields_ = fields;
  WEIR_ASSIGN_OR_RETURN(s.selector_, KeySelector::Create(schema, fields));
  std::vector<Field> narrow;
  for (const int column : s.selector_.columns()) narrow.push_back(schema.field(column));
  s.narrow_ = MakeSchema(std::move(narrow));
  WEIR_ASSIGN_OR_RETURN(s.narrow_selector_, KeySelector::Create(*s.narrow_, fields));
  return s;
}

void Signature::Select(const RecordBatch& batch, std::vector<std::string_view>* out) {
  selector_.Select(batch, out);
  for (std::string_view& view : *out) {
    if (view.data() == nullptr) view = std::string_view("");  // an empty string is a value
  }
  for (const int c : selector_.columns()) {
    const Column& column = batch.column(c);
    if (!column.has_nulls()) continue;
    for (size_t i = 0; i < batch.rows(); ++i) {
      if (column.IsNull(i)) (*out)[i] = std::string_view();
    }
  }
}

StatusOr<std::string> Signature::Encode(const std::vector<Value>& values) {
  if (values.size() != fields_.size()) {
    return Err(ErrorCode::kRecordWrongType, "a signature needs a value for each of its fields");
  }
  RecordBatch one(narrow_);
  for (size_t i = 0; i < values.size(); ++i) {
    const Field& field = narrow_->field(static_cast<int>(i));
    if (!HasExactKind(values[i], field.type.kind)) {
      return Err(ErrorCode::kRecordWrongType,
                 absl::StrCat(field.name, ": expected ", field.type.ToString()));
    }
    WEIR_RETURN_IF_ERROR(AppendValue(values[i], field, &one.column(static_cast<int>(i))));
  }
  one.AppendMeta(kNoTimestamp, Origin{}, 0);
  std::vector<std::string_view> keys;
  narrow_selector_.Select(one, &keys);
  return std::string(keys[0]);
}

std::string Signature::Text(const RecordBatch& batch, size_t row) const {
  std::string out;
  for (size_t f = 0; f < fields_.size(); ++f) {
    if (f > 0) out += ", ";
    out += fields_[f];
    out += '=';
    AppendColumnJson(batch.column(columns()[f]), row, &out);
  }
  return out;
}

std::string Signature::Predicate(const RecordBatch& batch, size_t row) const {
  std::string out;
  for (size_t f = 0; f < fields_.size(); ++f) {
    if (f > 0) out += " && ";
    out += EqualityText(fields_[f], GetValue(batch.column(columns()[f]), row));
  }
  return out;
}

std::string EqualityText(std::string_view name, const Value& constant) {
  std::string out(name);
  out += " == ";
  if (constant.kind() == Value::Kind::kTimestamp) {
    // CEL has no timestamp literal; milliseconds after the epoch keep it exact.
    absl::StrAppend(&out, "timestamp(0) + duration(\"", constant.int_value(), "ms\")");
  } else if (constant.kind() == Value::Kind::kInt && constant.int_value() == INT64_MIN) {
    out += "-9223372036854775807 - 1";
  } else {
    // JSON's string escapes are all CEL escapes, and numbers and booleans are written alike.
    constant.AppendJson(&out);
  }
  return out;
}

}  // namespace weir
