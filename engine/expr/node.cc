#include "engine/expr/node.h"

#include <string>

namespace weir::expr {

namespace {

template <typename T>
T* Grow(std::vector<T>* v, size_t rows) {
  if (v->size() < rows) v->resize(rows);
  return v->data();
}

}  // namespace

void Buffer::Prepare(Kind kind, size_t rows, bool with_state, Vec* vec) {
  vec->state = with_state ? Grow(&state, rows) : nullptr;
  if (!IsTyped(kind)) {
    vec->values = Grow(&values, rows);
  } else if (kind == Kind::kDouble) {
    vec->doubles = Grow(&doubles, rows);
  } else if (kind == Kind::kString || kind == Kind::kBytes) {
    vec->strings = Grow(&strings, rows);
  } else {
    vec->ints = Grow(&ints, rows);
  }
}

Value BoxRow(Kind kind, const Vec& vec, uint32_t r) {
  if (vec.StateAt(r) != kStateOk) return Value::Null();
  const uint32_t i = r & vec.mask;
  switch (kind) {
    case Kind::kBool:
      return Value::Bool(vec.ints[i] != 0);
    case Kind::kInt:
      return Value::Int(vec.ints[i]);
    case Kind::kUint:
      return Value::Uint(static_cast<uint64_t>(vec.ints[i]));
    case Kind::kDouble:
      return Value::Double(vec.doubles[i]);
    case Kind::kTimestamp:
      return Value::Timestamp(vec.ints[i]);
    case Kind::kDuration:
      return Value::Duration(vec.ints[i]);
    case Kind::kString:
    case Kind::kBytes: {
      const std::string_view text = vec.text != nullptr ? vec.text->String(i) : vec.strings[i];
      return kind == Kind::kString ? Value::String(std::string(text))
                                   : Value::Bytes(std::string(text));
    }
    default:
      return vec.values[i];
  }
}

bool UnboxRow(Kind kind, const Value& value, uint32_t r, Buffer* buffer) {
  if (value.is_null()) {
    buffer->state[r] = kStateNull;
    return true;
  }
  if (IsTyped(kind) && KindOf(value) != kind) return false;
  buffer->state[r] = kStateOk;
  if (!IsTyped(kind)) {
    buffer->values[r] = value;
  } else if (kind == Kind::kDouble) {
    buffer->doubles[r] = value.double_value();
  } else if (kind == Kind::kString || kind == Kind::kBytes) {
    buffer->strings[r] = value.string_value();
  } else {
    buffer->ints[r] = kind == Kind::kBool ? value.bool_value() : value.int_value();
  }
  return true;
}

}  // namespace weir::expr
