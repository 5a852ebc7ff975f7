#include "engine/api/record.h"

#include "absl/strings/str_cat.h"
#include "engine/core/options.h"

namespace weir::record_internal {
namespace {

// As a member of the struct would be written.
std::string MemberText(TypeKind kind, bool nullable) {
  const char* text = "";
  switch (kind) {
    case TypeKind::kBool:
      text = "bool";
      break;
    case TypeKind::kInt64:
      text = "int64_t";
      break;
    case TypeKind::kDouble:
      text = "double";
      break;
    case TypeKind::kString:
      text = "std::string_view";
      break;
    case TypeKind::kTimestamp:
      text = "weir::Timestamp";
      break;
    case TypeKind::kBytes:
      text = "weir::Bytes";
      break;
    case TypeKind::kJson:
      text = "weir::Json";
      break;
    case TypeKind::kList:
    case TypeKind::kStruct:
    case TypeKind::kMap:
      return "";
  }
  return nullable ? absl::StrCat("std::optional<", text, ">") : text;
}

std::string SchemaText(const Type& type, bool nullable) {
  return absl::StrCat(type.ToString(), nullable ? "?" : "");
}

Status Missing(std::string_view record, const FieldSpec& field, const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& f : schema.fields()) names.push_back(f.name);
  const std::string near = NearestName(field.name, names);
  return Err(ErrorCode::kPlanSchema,
             absl::StrCat("the struct ", ToAbsl(record), " has a field '", field.name,
                          "', which the input lacks: ", schema.ToString()),
             near.empty() ? "" : absl::StrCat("did you mean '", near, "'?"));
}

Status Misfit(std::string_view record, const FieldSpec& field, const Field& column) {
  const std::string member = MemberText(column.type.kind, column.nullable);
  return Err(ErrorCode::kPlanSchema,
             absl::StrCat("field '", field.name, "' is ", SchemaText(column.type, column.nullable),
                          ", but the struct ", ToAbsl(record), " binds it as ",
                          MemberText(field.kind, field.nullable)),
             member.empty() ? "no member type can hold it: read it from the batch's column"
                            : absl::StrCat("make the member ", member, ", or change the schema"));
}

}  // namespace

std::vector<Status> Bind(std::string_view record, std::span<const FieldSpec> fields,
                         const Schema& schema, int* columns) {
  std::vector<Status> errors;
  for (size_t i = 0; i < fields.size(); ++i) {
    columns[i] = schema.Find(fields[i].name);
    if (columns[i] < 0) {
      errors.push_back(Missing(record, fields[i], schema));
      continue;
    }
    const Field& column = schema.field(columns[i]);
    // A member that may be null holds what never is.
    if (column.type.kind != fields[i].kind || (column.nullable && !fields[i].nullable)) {
      errors.push_back(Misfit(record, fields[i], column));
    }
  }
  return errors;
}

SchemaPtr MakeSchemaOf(std::span<const FieldSpec> fields) {
  std::vector<Field> result;
  for (const FieldSpec& field : fields) {
    result.push_back({field.name, Type{field.kind, {}}, field.nullable});
  }
  return MakeSchema(std::move(result));
}

}  // namespace weir::record_internal
