// A dynamically typed value: constants, nested values in expressions, options, test expectations.
// Not for the hot path.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

class Value {
 public:
  enum class Kind : uint8_t {
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kTimestamp,
    kDuration,
    kList,
    kMap
  };
  using List = std::vector<Value>;
  using Map = std::vector<std::pair<Value, Value>>;  // insertion order; keys unique

  Value() = default;
  static Value Null() { return Value(); }
  static Value Bool(bool v) { return Value(Kind::kBool, v ? 1 : 0); }
  static Value Int(int64_t v) { return Value(Kind::kInt, v); }
  static Value Uint(uint64_t v) { return Value(Kind::kUint, static_cast<int64_t>(v)); }
  static Value Double(double v);
  static Value String(std::string v);
  static Value Bytes(std::string v);
  static Value Timestamp(int64_t ms) { return Value(Kind::kTimestamp, ms); }
  static Value Duration(int64_t ms) { return Value(Kind::kDuration, ms); }
  static Value MakeList(List v);
  static Value MakeMap(Map v);  // also structs: string keys

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool bool_value() const { return int_ != 0; }
  int64_t int_value() const { return int_; }  // int, timestamp ms, duration ms
  uint64_t uint_value() const { return static_cast<uint64_t>(int_); }
  double double_value() const { return double_; }
  const std::string& string_value() const { return string_; }  // string, bytes
  const List& list() const { return *list_; }
  const Map& map() const { return *map_; }
  // The value under a string key, or nullptr, also for what is not a map.
  const Value* Get(std::string_view key) const;

  // CEL equality: numbers compare across int, uint and double; null equals null only.
  bool operator==(const Value& other) const;
  // As JSON: timestamps as int64 ms, bytes as base64, durations as int64 ms, NaN and infinities as
  // the strings "NaN", "Infinity", "-Infinity".
  std::string ToJson() const;
  void AppendJson(std::string* out) const;

 private:
  Value(Kind kind, int64_t v) : kind_(kind), int_(v) {}
  Kind kind_ = Kind::kNull;
  int64_t int_ = 0;
  double double_ = 0;
  std::string string_;
  std::shared_ptr<const List> list_;  // shared: values are immutable and copied freely
  std::shared_ptr<const Map> map_;
};

// JSON text to a value: lists, maps with string keys, and for numbers the smallest of int, uint and
// double that holds them exactly, else a double. The first of several entries with one name counts.
// kRecordNotJson, kRecordBadText (broken UTF-8, NUL also as \u0000, lone surrogates) or
// kRecordTooDeep (more than 1024 levels).
StatusOr<Value> ParseJson(std::string_view text);

// Row i of a column as a Value (json columns are parsed to their value); and the way back.
Value GetValue(const Column& column, size_t i);
// kRecordWrongType if the value does not fit the column's type; the column is unchanged then. Fits:
// the same kind; int and uint in a double; an int in a timestamp; a uint or duration (ms) in an
// int64 that holds it; anything but null in a json; null where the field is nullable; a map with
// string keys in a struct, whose absent fields are null.
Status AppendValue(const Value& value, const Field& field, Column* column);

// JSON text of one row's visible columns in schema order, no trailing newline. Timestamps as int64
// ms; json columns verbatim; doubles in the shortest form that reads back the same.
void RowToJson(const RecordBatch& batch, size_t i, std::string* out);
// One value of a column, in the same way.
void AppendColumnJson(const Column& column, size_t i, std::string* out);
// Shortest form that reads back the same; NaN and infinities as strings, see ToJson.
void AppendJsonDouble(double v, std::string* out);
// Standard base64 with padding.
void AppendBase64(std::string_view bytes, std::string* out);
// Appends the bytes; false, with *out unchanged, if `text` is not standard base64 with padding.
bool DecodeBase64(std::string_view text, std::string* out);
// Appends `s` as a JSON string with quotes; control characters escaped.
void AppendJsonString(std::string_view s, std::string* out);

}  // namespace weir
