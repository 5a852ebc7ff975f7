#include "engine/model/value.h"

#include <cmath>
#include <unordered_map>
#include <utility>

namespace weir {

Value Value::Double(double v) {
  Value value(Kind::kDouble, 0);
  value.double_ = v;
  return value;
}
Value Value::String(std::string v) {
  Value value(Kind::kString, 0);
  value.string_ = std::move(v);
  return value;
}
Value Value::Bytes(std::string v) {
  Value value(Kind::kBytes, 0);
  value.string_ = std::move(v);
  return value;
}
Value Value::MakeList(List v) {
  Value value(Kind::kList, 0);
  value.list_ = std::make_shared<const List>(std::move(v));
  return value;
}
Value Value::MakeMap(Map v) {
  Value value(Kind::kMap, 0);
  value.map_ = std::make_shared<const Map>(std::move(v));
  return value;
}

const Value* Value::Get(std::string_view key) const {
  if (kind_ != Kind::kMap) return nullptr;
  for (const auto& [name, value] : *map_) {
    if (name.kind_ == Kind::kString && name.string_ == key) return &value;
  }
  return nullptr;
}

namespace {

bool IsNumber(Value::Kind kind) {
  return kind == Value::Kind::kInt || kind == Value::Kind::kUint || kind == Value::Kind::kDouble;
}

// A finite whole double compares exactly, without rounding the integer.
bool EqualsInt(double d, int64_t i) {
  return d >= -0x1p63 && d < 0x1p63 && d == std::trunc(d) && static_cast<int64_t>(d) == i;
}
bool EqualsUint(double d, uint64_t u) {
  return d >= 0 && d < 0x1p64 && d == std::trunc(d) && static_cast<uint64_t>(d) == u;
}

bool NumbersEqual(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  if (a.kind() > b.kind()) return NumbersEqual(b, a);  // kInt < kUint < kDouble
  if (a.kind() == b.kind()) {
    return a.kind() == Kind::kDouble ? a.double_value() == b.double_value()
                                     : a.int_value() == b.int_value();
  }
  if (b.kind() == Kind::kUint) return a.int_value() >= 0 && a.int_value() == b.int_value();
  return a.kind() == Kind::kInt ? EqualsInt(b.double_value(), a.int_value())
                                : EqualsUint(b.double_value(), a.uint_value());
}

// Equal keys have equal texts: the hash of a map's key across number kinds.
std::string KeyText(const Value& key) {
  using Kind = Value::Kind;
  if (key.kind() == Kind::kDouble) {
    const double d = key.double_value();
    if (d >= -0x1p63 && d < 0x1p63 && d == std::trunc(d)) {
      return Value::Int(static_cast<int64_t>(d)).ToJson();
    }
    if (d >= 0 && d < 0x1p64 && d == std::trunc(d)) {
      return Value::Uint(static_cast<uint64_t>(d)).ToJson();
    }
  }
  if (IsNumber(key.kind())) return key.ToJson();
  return static_cast<char>('A' + static_cast<int>(key.kind())) + key.ToJson();
}

bool MapsEqual(const Value::Map& a, const Value::Map& b) {
  if (a.size() != b.size()) return false;
  size_t same = 0;  // maps from one place have one order
  while (same < a.size() && a[same].first == b[same].first) {
    if (!(a[same].second == b[same].second)) return false;
    ++same;
  }
  if (same == a.size()) return true;
  std::unordered_map<std::string, const Value*> index;
  for (const auto& [key, value] : b) index.emplace(KeyText(key), &value);
  for (const auto& [key, value] : a) {
    const auto found = index.find(KeyText(key));
    if (found == index.end() || !(*found->second == value)) return false;
  }
  return true;
}

}  // namespace

bool Value::operator==(const Value& other) const {
  if (IsNumber(kind_) && IsNumber(other.kind_)) return NumbersEqual(*this, other);
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
    case Kind::kTimestamp:
    case Kind::kDuration:
      return int_ == other.int_;
    case Kind::kString:
    case Kind::kBytes:
      return string_ == other.string_;
    case Kind::kList:
      return *list_ == *other.list_;
    case Kind::kMap:
      return MapsEqual(*map_, *other.map_);
    default:
      return false;
  }
}

}  // namespace weir
