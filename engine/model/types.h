// Types and schemas (DESIGN D1). Every batch, row and expression is checked against a schema.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"

namespace weir {

enum class TypeKind : uint8_t {
  kBool,
  kInt64,
  kDouble,
  kString,  // valid UTF-8
  kBytes,
  kTimestamp,  // int64 milliseconds since 1970-01-01 UTC (D11)
  kJson,       // any JSON value but null, kept as its text
  kList,       // children: [item]
  kStruct,     // children: its fields
  kMap,        // children: [key, value]; keys are not null
};

// "int64", "timestamp_ms", "list", ... as written in a schema.
std::string_view TypeKindName(TypeKind kind);

struct Field;

struct Type {
  TypeKind kind = TypeKind::kInt64;
  std::vector<Field> children;

  static Type List(Type item, bool item_nullable = true);
  static Type Struct(std::vector<Field> fields);
  static Type Map(Type key, Type value, bool value_nullable = false);

  bool operator==(const Type& other) const;
  // "int64", "list<string?>", "struct{a: int64}", "map<string, double>".
  std::string ToString() const;
};

struct Field {
  std::string name;
  Type type;
  bool nullable = false;
  bool operator==(const Field& other) const {
    return name == other.name && type == other.type && nullable == other.nullable;
  }
};

// Parses "int64", "string?", "timestamp_ms", "list<string?>", "struct{a: int64, b: string?}",
// "map<string, double>", "json?" as written in a topology's schema. A trailing '?' = nullable.
// kConfigUnknownType for an unknown name (the hint has the nearest known one), kConfigBadValue for
// anything else; messages count characters from 1.
StatusOr<Field> ParseFieldType(std::string_view name, std::string_view text);

// Immutable, shared by every batch of one stream.
class Schema {
 public:
  explicit Schema(std::vector<Field> fields);
  const std::vector<Field>& fields() const { return fields_; }
  const Field& field(int i) const { return fields_[i]; }
  int size() const { return static_cast<int>(fields_.size()); }
  // Index of the field, or -1.
  int Find(std::string_view name) const;
  // Changes whenever names, order, types or nullability change; the schema id of encoded rows.
  uint64_t fingerprint() const { return fingerprint_; }
  bool operator==(const Schema& other) const { return fields_ == other.fields_; }
  std::string ToString() const;  // "{host: string, line: int64, src_ip: string?}"

 private:
  std::vector<Field> fields_;
  uint64_t fingerprint_;
};

using SchemaPtr = std::shared_ptr<const Schema>;

inline SchemaPtr MakeSchema(std::vector<Field> fields) {
  return std::make_shared<const Schema>(std::move(fields));
}

}  // namespace weir
