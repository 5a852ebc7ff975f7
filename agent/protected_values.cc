#include "agent/protected_values.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir {

namespace {

StatusOr<Value> ParseAs(const Type& type, const std::string& text) {
  int64_t number = 0;
  switch (type.kind) {
    case TypeKind::kString:
      return Value::String(text);
    case TypeKind::kInt64:
      if (absl::SimpleAtoi(text, &number)) return Value::Int(number);
      break;
    case TypeKind::kTimestamp:
      if (absl::SimpleAtoi(text, &number)) return Value::Timestamp(number);
      break;
    case TypeKind::kBool:
      if (text == "true" || text == "false") return Value::Bool(text == "true");
      break;
    default:
      break;
  }
  return Err(ErrorCode::kConfigBadValue,
             absl::StrCat("'", text, "' is no value of type ", type.ToString()));
}

}  // namespace

StatusOr<ProtectedValues> ProtectedValues::Create(const Schema& schema,
                                                  const std::vector<std::string>& entries) {
  ProtectedValues out;
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      return Err(ErrorCode::kConfigBadValue, absl::StrCat("'", entry, "': expected field=value"));
    }
    const std::string name = entry.substr(0, equals);
    const int column = schema.Find(name);
    if (column < 0) {
      return Err(ErrorCode::kPlanSchema, absl::StrCat("the input has no field '", name, "'"));
    }
    WEIR_ASSIGN_OR_RETURN(Value value,
                          ParseAs(schema.field(column).type, entry.substr(equals + 1)));
    out.values_.emplace_back(column, std::move(value));
  }
  return out;
}

bool ProtectedValues::Covers(const RecordBatch& batch, size_t row) const {
  return std::any_of(values_.begin(), values_.end(), [&](const auto& v) {
    return GetValue(batch.column(v.first), row) == v.second;
  });
}

bool ProtectedValues::PinnedBy(const ExprProgram& program) const {
  for (const EqualityConjunct& c : program.conjuncts()) {
    for (const auto& [column, value] : values_) {
      if (c.column == column && c.constant == value) return true;
    }
  }
  return false;
}

}  // namespace weir
