#include "tests/unit/engine_expr/test_support.h"

#include <charconv>
#include <cmath>

namespace weir::testing {

SchemaPtr AllTypes() {
  static const SchemaPtr schema = [] {
    std::vector<Field> fields;
    const auto add = [&](const char* name, const char* type) {
      fields.push_back(ParseFieldType(name, type).value());
    };
    add("i", "int64");
    add("j", "int64?");
    add("d", "double");
    add("s", "string");
    add("sn", "string?");
    add("b", "bool");
    add("bn", "bool?");
    add("y", "bytes");
    add("t", "timestamp_ms");
    add("tn", "timestamp_ms?");
    add("x", "json?");
    add("li", "list<int64>");
    add("ls", "list<string?>?");
    add("m", "map<string, int64>");
    add("st", "struct{a: int64, b: string?, inner: struct{c: int64}?}");
    add("sx", "struct{a: int64}?");
    return MakeSchema(std::move(fields));
  }();
  return schema;
}

namespace {

Value Struct(std::initializer_list<std::pair<const char*, Value>> fields) {
  Value::Map map;
  for (const auto& [name, value] : fields) map.emplace_back(Value::String(name), value);
  return Value::MakeMap(std::move(map));
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

std::string ShowDouble(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  char out[40];
  const auto end = std::to_chars(out, out + sizeof out, d).ptr;
  std::string text(out, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

void AppendValues(const std::vector<Value>& values, RecordBatch* batch) {
  for (int i = 0; i < batch->width(); ++i) {
    const Field& field = batch->schema()->field(i);
    const Status status = AppendValue(values[static_cast<size_t>(i)], field, &batch->column(i));
    WEIR_CHECK(status.ok(), ToStd(status.message()));
  }
  batch->AppendMeta(0, Origin{}, 0);
}

RecordBatch TwoRows() {
  RecordBatch batch(AllTypes());
  const Value null;
  const Value time = Value::Timestamp(1234567890250);
  const Value json = Struct({{"a", Value::Int(1)},
                             {"s", Value::String("q")},
                             {"n", null},
                             {"l", Value::MakeList({Value::Int(1), Value::Int(2)})},
                             {"f", Value::Double(1.5)},
                             {"m", Struct({{"k", Value::String("v")}})}});
  AppendValues({Value::Int(7), Value::Int(5), Value::Double(2.5), Value::String("failed"),
                Value::String("x"), Value::Bool(true), Value::Bool(true), Value::Bytes("ab"), time,
                time, json, Value::MakeList({Value::Int(1), Value::Int(2), Value::Int(3)}),
                Value::MakeList({Value::String("p"), null}), Struct({{"k", Value::Int(1)}}),
                Struct({{"a", Value::Int(1)},
                        {"b", Value::String("in")},
                        {"inner", Struct({{"c", Value::Int(9)}})}}),
                Struct({{"a", Value::Int(2)}})},
               &batch);
  AppendValues(
      {Value::Int(0), null, Value::Double(0), Value::String(""), null, Value::Bool(false), null,
       Value::Bytes(""), Value::Timestamp(0), null, null, Value::MakeList({}), null,
       Value::MakeMap({}), Struct({{"a", Value::Int(0)}, {"b", null}, {"inner", null}}), null},
      &batch);
  return batch;
}

std::string Show(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return v.bool_value() ? "true" : "false";
    case Value::Kind::kInt:
      return std::to_string(v.int_value());
    case Value::Kind::kUint:
      return std::to_string(v.uint_value()) + "u";
    case Value::Kind::kDouble:
      return ShowDouble(v.double_value());
    case Value::Kind::kString:
      return Quoted(v.string_value());
    case Value::Kind::kBytes:
      return "b" + Quoted(v.string_value());
    case Value::Kind::kTimestamp:
      return "ts(" + std::to_string(v.int_value()) + ")";
    case Value::Kind::kDuration:
      return "dur(" + std::to_string(v.int_value()) + ")";
    case Value::Kind::kList: {
      std::string out = "[";
      for (const Value& item : v.list()) out += (out.size() > 1 ? ", " : "") + Show(item);
      return out + "]";
    }
    case Value::Kind::kMap: {
      std::string out = "{";
      for (const auto& [key, value] : v.map()) {
        out += (out.size() > 1 ? ", " : "") + Show(key) + ": " + Show(value);
      }
      return out + "}";
    }
  }
  return "?";
}

std::string Evaluate(std::string_view expression, size_t row) {
  static const RecordBatch batch = TwoRows();
  ExprOptions options;
  options.max_cost = 10'000'000;
  auto program = CompileExpr(expression, *AllTypes(), options);
  if (!program.ok()) return "compile: " + std::string(ToStd(program.status().message()));
  std::vector<EvalResult> results;
  const uint32_t rows[] = {static_cast<uint32_t>(row)};
  (*program)->Eval(batch, rows, &results);
  if (results[0].error.empty()) return Show(results[0].value);
  return "error: " + results[0].error.substr(results[0].error.find(' ') + 1);
}

}  // namespace weir::testing
