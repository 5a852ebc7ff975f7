// CEL's static types as the checker sees them, and how a schema's types map to them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/types.h"
#include "engine/model/value.h"

namespace weir::expr {

enum class Kind : uint8_t {
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kNull,    // the type of the literal null
  kList,    // params: [item]
  kMap,     // params: [key, value]
  kStruct,  // params: its fields; a map with string keys at run time
  kDyn,     // known at run time only
  kNever,   // the item type of []: unifies with everything
};

struct CelType {
  Kind kind = Kind::kDyn;
  bool nullable = false;  // may be null at run time (CEL's wrapper types)
  std::vector<CelType> params;
  std::vector<std::string> names;  // field names of a struct

  CelType() = default;
  CelType(Kind k, bool n = false) : kind(k), nullable(n) {}  // NOLINT: a kind is a type
  static CelType List(CelType item);
  static CelType Map(CelType key, CelType value);
  static CelType From(const Type& type, bool nullable);

  bool operator==(const CelType& other) const;
  bool is_dyn() const { return kind == Kind::kDyn || kind == Kind::kNever; }
  CelType Required() const;  // the same without null
  // "int", "string?", "list(int)", "map(string, dyn)".
  std::string ToString() const;
};

// Kinds whose vectors are plain arrays; all others are arrays of Value.
inline bool IsTyped(Kind kind) { return kind < Kind::kNull; }

Kind KindOf(const Value& value);
const char* KindName(Kind kind);

// True if a and b may meet in a function that takes (A, A); *out is then A. Follows the checker of
// the CEL specification: equal types, null with a nullable type, dyn with everything.
bool Unify(const CelType& a, const CelType& b, CelType* out);
// The type that holds both: as Unify, else dyn; a type and null give the nullable type.
CelType Join(const CelType& a, const CelType& b);

}  // namespace weir::expr
