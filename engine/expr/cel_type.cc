#include "engine/expr/cel_type.h"

#include <utility>

namespace weir::expr {

CelType CelType::List(CelType item) {
  CelType type(Kind::kList);
  type.params.push_back(std::move(item));
  return type;
}

CelType CelType::Map(CelType key, CelType value) {
  CelType type(Kind::kMap);
  type.params.push_back(std::move(key));
  type.params.push_back(std::move(value));
  return type;
}

CelType CelType::From(const Type& type, bool nullable) {
  CelType out;
  switch (type.kind) {
    case TypeKind::kBool:
      out.kind = Kind::kBool;
      break;
    case TypeKind::kInt64:
      out.kind = Kind::kInt;
      break;
    case TypeKind::kDouble:
      out.kind = Kind::kDouble;
      break;
    case TypeKind::kString:
      out.kind = Kind::kString;
      break;
    case TypeKind::kBytes:
      out.kind = Kind::kBytes;
      break;
    case TypeKind::kTimestamp:
      out.kind = Kind::kTimestamp;
      break;
    case TypeKind::kJson:
      return CelType(Kind::kDyn);
    case TypeKind::kList:
      out.kind = Kind::kList;
      break;
    case TypeKind::kMap:
      out.kind = Kind::kMap;
      break;
    case TypeKind::kStruct:
      out.kind = Kind::kStruct;
      break;
  }
  out.nullable = nullable;
  for (const Field& child : type.children) {
    out.params.push_back(From(child.type, child.nullable));
    if (type.kind == TypeKind::kStruct) out.names.push_back(child.name);
  }
  return out;
}

bool CelType::operator==(const CelType& other) const {
  return kind == other.kind && nullable == other.nullable && params == other.params &&
         names == other.names;
}

CelType CelType::Required() const {
  CelType out = *this;
  out.nullable = false;
  return out;
}

std::string CelType::ToString() const {
  std::string out = KindName(kind);
  if (kind == Kind::kList || kind == Kind::kMap) {
    for (size_t i = 0; i < params.size(); ++i) {
      out += (i == 0 ? "(" : ", ") + params[i].ToString();
    }
    out += ")";
  } else if (kind == Kind::kStruct) {
    out += "{";
    for (size_t i = 0; i < params.size(); ++i) {
      out += (i == 0 ? "" : ", ") + names[i] + ": " + params[i].ToString();
    }
    out += "}";
  }
  if (nullable) out += "?";
  return out;
}

Kind KindOf(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return Kind::kNull;
    case Value::Kind::kBool:
      return Kind::kBool;
    case Value::Kind::kInt:
      return Kind::kInt;
    case Value::Kind::kUint:
      return Kind::kUint;
    case Value::Kind::kDouble:
      return Kind::kDouble;
    case Value::Kind::kString:
      return Kind::kString;
    case Value::Kind::kBytes:
      return Kind::kBytes;
    case Value::Kind::kTimestamp:
      return Kind::kTimestamp;
    case Value::Kind::kDuration:
      return Kind::kDuration;
    case Value::Kind::kList:
      return Kind::kList;
    case Value::Kind::kMap:
      return Kind::kMap;
  }
  return Kind::kDyn;
}

const char* KindName(Kind kind) {
  static constexpr const char* kNames[] = {"bool",  "int",       "uint",     "double", "string",
                                           "bytes", "timestamp", "duration", "null",   "list",
                                           "map",   "struct",    "dyn",      "dyn"};
  return kNames[static_cast<int>(kind)];
}

namespace {

bool UnifyParams(const CelType& a, const CelType& b, CelType* out) {
  if (a.params.size() != b.params.size() || a.names != b.names) return false;
  *out = a;
  for (size_t i = 0; i < a.params.size(); ++i) {
    if (!Unify(a.params[i], b.params[i], &out->params[i])) return false;
  }
  return true;
}

}  // namespace

bool Unify(const CelType& a, const CelType& b, CelType* out) {
  CelType unified;
  const bool both_null = a.kind == Kind::kNull && b.kind == Kind::kNull;
  if (a.kind == Kind::kNever) {
    unified = b;
  } else if (b.kind == Kind::kNever || both_null) {
    unified = a;
  } else if (a.is_dyn() || b.is_dyn()) {
    unified = CelType(Kind::kDyn);
  } else if (a.kind == Kind::kNull || b.kind == Kind::kNull) {
    unified = a.kind == Kind::kNull ? b : a;
    if (!unified.nullable) return false;
  } else if (a.kind != b.kind || !UnifyParams(a, b, &unified)) {
    return false;
  }
  unified.nullable = unified.kind != Kind::kNull && !unified.is_dyn() && (a.nullable || b.nullable);
  *out = std::move(unified);
  return true;
}

CelType Join(const CelType& a, const CelType& b) {
  CelType out;
  if (Unify(a, b, &out)) return out;
  if (a.kind == Kind::kNull || b.kind == Kind::kNull) {
    out = a.kind == Kind::kNull ? b : a;
    out.nullable = true;
    return out;
  }
  return CelType(Kind::kDyn);
}

}  // namespace weir::expr
