// Between columns and values.
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/model/value.h"

namespace weir {
namespace {

const char* KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return "bool";
    case Value::Kind::kInt:
      return "int";
    case Value::Kind::kUint:
      return "uint";
    case Value::Kind::kDouble:
      return "double";
    case Value::Kind::kString:
      return "string";
    case Value::Kind::kBytes:
      return "bytes";
    case Value::Kind::kTimestamp:
      return "timestamp";
    case Value::Kind::kDuration:
      return "duration";
    case Value::Kind::kList:
      return "list";
    case Value::Kind::kMap:
      return "map";
  }
  return "unknown";
}

Value GetMap(const Column& column, size_t i) {
  Value::Map entries;
  for (size_t k = column.ListBegin(i); k < column.ListEnd(i); ++k) {
    entries.emplace_back(GetValue(column.child(0), k), GetValue(column.child(1), k));
  }
  return Value::MakeMap(std::move(entries));
}

Value GetList(const Column& column, size_t i) {
  Value::List items;
  for (size_t k = column.ListBegin(i); k < column.ListEnd(i); ++k) {
    items.push_back(GetValue(column.child(0), k));
  }
  return Value::MakeList(std::move(items));
}

Value GetStruct(const Column& column, size_t i) {
  Value::Map entries;
  for (size_t k = 0; k < column.child_count(); ++k) {
    entries.emplace_back(Value::String(column.type().children[k].name),
                         GetValue(column.child(k), i));
  }
  return Value::MakeMap(std::move(entries));
}

Value GetJson(std::string_view text) {
  StatusOr<Value> value = ParseJson(text);
  // Whoever fills a json column checks the text; only deeper nesting than ParseJson takes remains.
  if (!value.ok()) return Value::String(std::string(text));
  return *std::move(value);
}

Status WrongType(const Value& value, const Field& field) {
  return Err(ErrorCode::kRecordWrongType,
             absl::StrCat("field '", field.name, "': expected ", field.type.ToString(),
                          field.nullable ? "?" : "", ", found ", KindName(value.kind())));
}

bool AppendInt64(const Value& value, Column* column) {
  const bool uint_fits = value.kind() == Value::Kind::kUint && value.int_value() >= 0;
  if (value.kind() != Value::Kind::kInt && value.kind() != Value::Kind::kDuration && !uint_fits) {
    return false;
  }
  column->AppendInt(value.int_value());
  return true;
}

bool AppendTimestamp(const Value& value, Column* column) {
  if (value.kind() != Value::Kind::kInt && value.kind() != Value::Kind::kTimestamp) return false;
  column->AppendInt(value.int_value());
  return true;
}

bool AppendDouble(const Value& value, Column* column) {
  switch (value.kind()) {
    case Value::Kind::kInt:
      column->AppendDouble(static_cast<double>(value.int_value()));
      break;
    case Value::Kind::kUint:
      column->AppendDouble(static_cast<double>(value.uint_value()));
      break;
    case Value::Kind::kDouble:
      column->AppendDouble(value.double_value());
      break;
    default:
      return false;
  }
  return true;
}

bool AppendText(const Value& value, Value::Kind kind, Column* column) {
  if (value.kind() != kind) return false;
  column->AppendString(value.string_value());
  return true;
}

Status AppendAny(const Value& value, const Field& field, Column* column);

Status AppendList(const Value& value, const Field& field, Column* column) {
  if (value.kind() != Value::Kind::kList) return WrongType(value, field);
  for (const Value& item : value.list()) {
    WEIR_RETURN_IF_ERROR(AppendAny(item, field.type.children[0], &column->child(0)));
  }
  column->FinishList();
  return absl::OkStatus();
}

Status AppendMap(const Value& value, const Field& field, Column* column) {
  if (value.kind() != Value::Kind::kMap) return WrongType(value, field);
  for (const auto& [key, item] : value.map()) {
    WEIR_RETURN_IF_ERROR(AppendAny(key, field.type.children[0], &column->child(0)));
    WEIR_RETURN_IF_ERROR(AppendAny(item, field.type.children[1], &column->child(1)));
  }
  column->FinishList();
  return absl::OkStatus();
}

Status AppendStruct(const Value& value, const Field& field, Column* column) {
  if (value.kind() != Value::Kind::kMap) return WrongType(value, field);
  const std::vector<Field>& fields = field.type.children;
  size_t used = 0;
  for (size_t k = 0; k < fields.size(); ++k) {
    const Value* item = value.Get(fields[k].name);
    if (item != nullptr) ++used;
    WEIR_RETURN_IF_ERROR(
        AppendAny(item == nullptr ? Value::Null() : *item, fields[k], &column->child(k)));
  }
  if (used != value.map().size()) {
    return Err(ErrorCode::kRecordWrongType,
               absl::StrCat("field '", field.name, "': the value has entries that ",
                            field.type.ToString(), " lacks"));
  }
  column->FinishStruct();
  return absl::OkStatus();
}

// May leave items behind when it fails.
Status AppendAny(const Value& value, const Field& field, Column* column) {
  if (value.is_null()) {
    if (!field.nullable) return WrongType(value, field);
    column->AppendNull();
    return absl::OkStatus();
  }
  bool fits = true;
  switch (field.type.kind) {
    case TypeKind::kBool:
      fits = value.kind() == Value::Kind::kBool;
      if (fits) column->AppendBool(value.bool_value());
      break;
    case TypeKind::kInt64:
      fits = AppendInt64(value, column);
      break;
    case TypeKind::kTimestamp:
      fits = AppendTimestamp(value, column);
      break;
    case TypeKind::kDouble:
      fits = AppendDouble(value, column);
      break;
    case TypeKind::kString:
      fits = AppendText(value, Value::Kind::kString, column);
      break;
    case TypeKind::kBytes:
      fits = AppendText(value, Value::Kind::kBytes, column);
      break;
    case TypeKind::kJson:
      column->AppendString(value.ToJson());
      break;
    case TypeKind::kList:
      return AppendList(value, field, column);
    case TypeKind::kMap:
      return AppendMap(value, field, column);
    case TypeKind::kStruct:
      return AppendStruct(value, field, column);
  }
  return fits ? absl::OkStatus() : WrongType(value, field);
}

}  // namespace

Value GetValue(const Column& column, size_t i) {
  if (column.IsNull(i)) return Value::Null();
  switch (column.kind()) {
    case TypeKind::kBool:
      return Value::Bool(column.Bool(i));
    case TypeKind::kInt64:
      return Value::Int(column.Int(i));
    case TypeKind::kTimestamp:
      return Value::Timestamp(column.Int(i));
    case TypeKind::kDouble:
      return Value::Double(column.Double(i));
    case TypeKind::kString:
      return Value::String(std::string(column.String(i)));
    case TypeKind::kBytes:
      return Value::Bytes(std::string(column.String(i)));
    case TypeKind::kJson:
      return GetJson(column.String(i));
    case TypeKind::kList:
      return GetList(column, i);
    case TypeKind::kMap:
      return GetMap(column, i);
    case TypeKind::kStruct:
      return GetStruct(column, i);
  }
  return Value::Null();
}

Status AppendValue(const Value& value, const Field& field, Column* column) {
  const size_t rows = column->size();
  Status status = AppendAny(value, field, column);
  if (!status.ok()) column->Truncate(rows);
  return status;
}

}  // namespace weir
