// Random schemas, values and batches for property tests; one seed gives one of each.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir::testing {

inline constexpr TypeKind kScalars[] = {TypeKind::kBool,   TypeKind::kInt64, TypeKind::kDouble,
                                        TypeKind::kString, TypeKind::kBytes, TypeKind::kTimestamp,
                                        TypeKind::kJson};

inline Type RandomType(Random* random, int depth) {
  if (depth == 0 || !random->OneIn(3)) return Type{kScalars[random->Uniform(7)], {}};
  switch (random->Uniform(3)) {
    case 0:
      return Type::List(RandomType(random, depth - 1), random->OneIn(2));
    case 1: {
      constexpr TypeKind kKeys[] = {TypeKind::kString, TypeKind::kInt64, TypeKind::kBool,
                                    TypeKind::kTimestamp};
      return Type::Map(Type{kKeys[random->Uniform(4)], {}}, RandomType(random, depth - 1),
                       random->OneIn(2));
    }
    default: {
      std::vector<Field> fields;
      const uint64_t count = 1 + random->Uniform(4);
      for (uint64_t k = 0; k < count; ++k) {
        fields.push_back(
            {"s" + std::to_string(k), RandomType(random, depth - 1), random->OneIn(2)});
      }
      return Type::Struct(std::move(fields));
    }
  }
}

inline SchemaPtr RandomSchema(Random* random) {
  std::vector<Field> fields;
  const uint64_t count = 1 + random->Uniform(10);
  for (uint64_t k = 0; k < count; ++k) {
    fields.push_back({"f" + std::to_string(k), RandomType(random, 3), random->OneIn(2)});
  }
  return MakeSchema(std::move(fields));
}

// Valid UTF-8 without NUL, rich in what must be escaped.
inline std::string RandomText(Random* random) {
  constexpr std::string_view kPieces[] = {
      "a", "xyz", "\"", "\\", "\n",       "\x01",         "\x1f", "\x7f", "ä",
      "€", "𝄞",   "/",  " ",  "{\"q\":[", "longer piece", "\t:",  ",",    "\\u0041"};
  std::string text;
  for (uint64_t n = random->Uniform(random->OneIn(10) ? 60 : 6); n > 0; --n) {
    text += kPieces[random->Uniform(std::size(kPieces))];
  }
  return text;
}

inline int64_t RandomInt(Random* random) {
  switch (random->Uniform(4)) {
    case 0:
      return static_cast<int64_t>(random->Uniform(100)) - 50;
    case 1:
      return random->OneIn(2) ? INT64_MIN : INT64_MAX;
    default:
      return static_cast<int64_t>(random->Next()) >> random->Uniform(64);
  }
}

inline double RandomDouble(Random* random) {
  constexpr double kSpecial[] = {0.0, -0.0, 1e-300, 5e-324, 1.7976931348623157e308, 0.1, 1e21};
  switch (random->Uniform(5)) {
    case 0:
      return kSpecial[random->Uniform(std::size(kSpecial))];
    case 1:
      return random->OneIn(3) ? NAN : random->OneIn(2) ? HUGE_VAL : -HUGE_VAL;
    case 2:
      return static_cast<double>(RandomInt(random));
    default: {
      const uint64_t bits = random->Next();
      double v;
      std::memcpy(&v, &bits, sizeof v);
      return std::isfinite(v) ? v : 0.5;
    }
  }
}

// Any JSON value but null.
inline Value RandomJson(Random* random, int depth) {
  switch (random->Uniform(depth > 0 ? 6 : 4)) {
    case 0:
      return Value::Bool(random->OneIn(2));
    case 1:
      return Value::Int(RandomInt(random));
    case 2:
      return Value::String(RandomText(random));
    case 3:
      return Value::Double(0.5 + static_cast<double>(random->Uniform(1000)));
    case 4: {
      Value::List items;
      for (uint64_t n = random->Uniform(4); n > 0; --n) {
        items.push_back(random->OneIn(4) ? Value::Null() : RandomJson(random, depth - 1));
      }
      return Value::MakeList(std::move(items));
    }
    default: {
      Value::Map entries;
      for (uint64_t n = random->Uniform(4); n > 0; --n) {
        entries.emplace_back(Value::String("k" + std::to_string(n)), RandomJson(random, depth - 1));
      }
      return Value::MakeMap(std::move(entries));
    }
  }
}

Value RandomValue(Random* random, const Field& field);

inline Value RandomMap(Random* random, const Type& type) {
  Value::Map entries;
  std::set<std::string> seen;
  for (uint64_t n = random->Uniform(4); n > 0; --n) {
    Value key = RandomValue(random, type.children[0]);
    if (!seen.insert(key.ToJson()).second) continue;
    entries.emplace_back(std::move(key), RandomValue(random, type.children[1]));
  }
  return Value::MakeMap(std::move(entries));
}

// A value that fits the field.
inline Value RandomValue(Random* random, const Field& field) {
  if (field.nullable && random->OneIn(3)) return Value::Null();
  const Type& type = field.type;
  switch (type.kind) {
    case TypeKind::kBool:
      return Value::Bool(random->OneIn(2));
    case TypeKind::kInt64:
      return Value::Int(RandomInt(random));
    case TypeKind::kDouble:
      return Value::Double(RandomDouble(random));
    case TypeKind::kString:
      return Value::String(RandomText(random));
    case TypeKind::kBytes: {
      std::string bytes;
      for (uint64_t n = random->Uniform(9); n > 0; --n) {
        bytes.push_back(static_cast<char>(random->Next()));
      }
      return Value::Bytes(std::move(bytes));
    }
    case TypeKind::kTimestamp:
      return Value::Timestamp(RandomInt(random));
    case TypeKind::kJson:
      return RandomJson(random, 3);
    case TypeKind::kMap:
      return RandomMap(random, type);
    case TypeKind::kList: {
      Value::List items;
      for (uint64_t n = random->Uniform(5); n > 0; --n) {
        items.push_back(RandomValue(random, type.children[0]));
      }
      return Value::MakeList(std::move(items));
    }
    case TypeKind::kStruct: {
      Value::Map entries;
      for (const Field& child : type.children) {
        entries.emplace_back(Value::String(child.name), RandomValue(random, child));
      }
      return Value::MakeMap(std::move(entries));
    }
  }
  return Value::Null();
}

// Appends the visible columns of one random row.
inline void AppendRandomColumns(Random* random, RecordBatch* batch) {
  for (int c = 0; c < batch->width(); ++c) {
    const Field& field = batch->schema()->field(c);
    const Status status = AppendValue(RandomValue(random, field), field, &batch->column(c));
    WEIR_CHECK(status.ok(), FormatError(status));
  }
}

inline RecordBatch RandomBatch(Random* random, SchemaPtr schema, size_t rows) {
  RecordBatch batch(std::move(schema));
  for (size_t i = 0; i < rows; ++i) {
    AppendRandomColumns(random, &batch);
    batch.AppendMeta(RandomInt(random),
                     Origin{static_cast<uint32_t>(random->Next()),
                            static_cast<int32_t>(random->Next()), RandomInt(random)},
                     static_cast<uint32_t>(random->Next()));
  }
  return batch;
}

// Everything that a row holds, as text; NaN equals NaN.
inline std::string RowText(const RecordBatch& batch, size_t i) {
  std::string text = std::to_string(batch.event_time[i]) + " " +
                     std::to_string(batch.origin[i].source) + "/" +
                     std::to_string(batch.origin[i].partition) + "/" +
                     std::to_string(batch.origin[i].offset) + "#" + std::to_string(batch.emit[i]);
  if (!batch.key_group.empty()) {
    text += " " + std::to_string(batch.key_group[i]) + ":" + std::to_string(batch.key_hash[i]);
  }
  for (int c = 0; c < batch.width(); ++c) {
    text += ' ';
    GetValue(batch.column(c), i).AppendJson(&text);
  }
  return text;
}

// A schema of "name", "type" pairs.
inline SchemaPtr SchemaOf(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<Field> parsed;
  for (const auto& [name, type] : fields) {
    StatusOr<Field> field = ParseFieldType(name, type);
    WEIR_CHECK(field.ok(), FormatError(field.status()));
    parsed.push_back(*std::move(field));
  }
  return MakeSchema(std::move(parsed));
}

}  // namespace weir::testing
