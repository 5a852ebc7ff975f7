#include "engine/model/types.h"

#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {

std::string_view TypeKindName(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt64:
      return "int64";
    case TypeKind::kDouble:
      return "double";
    case TypeKind::kString:
      return "string";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kTimestamp:
      return "timestamp_ms";
    case TypeKind::kJson:
      return "json";
    case TypeKind::kList:
      return "list";
    case TypeKind::kStruct:
      return "struct";
    case TypeKind::kMap:
      return "map";
  }
  return "unknown";
}

Type Type::List(Type item, bool item_nullable) {
  Type type{TypeKind::kList, {}};
  type.children.push_back(Field{"item", std::move(item), item_nullable});
  return type;
}

Type Type::Struct(std::vector<Field> fields) { return Type{TypeKind::kStruct, std::move(fields)}; }

Type Type::Map(Type key, Type value, bool value_nullable) {
  Type type{TypeKind::kMap, {}};
  type.children.push_back(Field{"key", std::move(key), false});
  type.children.push_back(Field{"value", std::move(value), value_nullable});
  return type;
}

bool Type::operator==(const Type& other) const {
  return kind == other.kind && children == other.children;
}

namespace {

std::string TextOf(const Field& field) {
  std::string out = field.type.ToString();
  if (field.nullable) out += '?';
  return out;
}

std::string NamedFields(const std::vector<Field>& fields) {
  std::string out = "{";
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ", ";
    out += fields[i].name;
    out += ": ";
    out += TextOf(fields[i]);
  }
  out += '}';
  return out;
}

// Length-prefixed, because ToString is ambiguous for names that contain punctuation.
void AppendCanonical(const Field& field, std::string* out) {
  PutBytes(out, field.name);
  out->push_back(static_cast<char>(field.type.kind));
  out->push_back(field.nullable ? 1 : 0);
  PutVarint(out, field.type.children.size());
  for (const Field& child : field.type.children) AppendCanonical(child, out);
}

}  // namespace

std::string Type::ToString() const {
  std::string out(TypeKindName(kind));
  if (kind == TypeKind::kStruct) return out + NamedFields(children);
  if (children.empty()) return out;
  out += '<';
  for (size_t i = 0; i < children.size(); ++i) {
    if (i > 0) out += ", ";
    out += TextOf(children[i]);
  }
  out += '>';
  return out;
}

Schema::Schema(std::vector<Field> fields) : fields_(std::move(fields)) {
  std::string canonical;
  for (const Field& field : fields_) AppendCanonical(field, &canonical);
  fingerprint_ = HashBytes(canonical);
}

int Schema::Find(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string Schema::ToString() const { return NamedFields(fields_); }

}  // namespace weir
