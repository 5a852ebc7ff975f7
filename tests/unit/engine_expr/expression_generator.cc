#include "tests/unit/engine_expr/expression_generator.h"

#include "tests/unit/engine_expr/test_support.h"

namespace weir::testing {

using expr::Kind;

std::string ExpressionGenerator::Pick(const std::vector<std::string>& of) {
  return of[choices_.Below(static_cast<uint32_t>(of.size()))];
}

std::string ExpressionGenerator::Make(Kind kind, int depth) {
  if (depth <= 0 || choices_.Below(6) == 0) return Leaf(kind);
  if (choices_.Below(12) == 1) {
    return "(" + Bool(depth - 1) + " ? " + Make(kind, depth - 1) + " : " + Make(kind, depth - 1) +
           ")";
  }
  switch (kind) {
    case Kind::kBool:
      return Bool(depth);
    case Kind::kInt:
      return Int(depth);
    case Kind::kUint:
      return Uint(depth);
    case Kind::kDouble:
      return Double(depth);
    case Kind::kString:
      return String(depth);
    case Kind::kBytes:
      return Bytes(depth);
    case Kind::kTimestamp:
      return Timestamp(depth);
    case Kind::kDuration:
      return Duration(depth);
    case Kind::kList:
      return List(depth);
    default:
      return Dyn(depth);
  }
}

std::string ExpressionGenerator::Leaf(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      if (!int_variables_.empty() && choices_.Below(2) == 1) {
        return "(6 / " + int_variables_.back() + " > 2)";
      }
      return Pick({"true", "b", "bn", "false"});
    case Kind::kInt:
      if (!int_variables_.empty() && choices_.Below(2) == 1) return int_variables_.back();
      return Pick({"1", "i", "j", "0", "-1", "2", "9007199254740993", "3", "9223372036854775807",
                   "-9223372036854775808", "st.a", "sx.a"});
    case Kind::kUint:
      return Pick({"1u", "0u", "2u", "18446744073709551615u", "9223372036854775808u"});
    case Kind::kDouble:
      return Pick({"1.0", "d", "0.0", "-0.5", "2.5", "9007199254740992.0", "-9223372036854775808.0",
                   "1e300", "0.0/0.0"});
    case Kind::kString:
      return Pick({"'a'", "s", "sn", "''", "'ab'", "'\u00e9'", "st.b", "ls[0]", "'1'"});
    case Kind::kBytes:
      return Pick({"b'a'", "y", "b''", "b'\\xff'"});
    case Kind::kTimestamp:
      return Pick({"t", "tn", "timestamp('2009-02-13T23:31:30Z')", "timestamp(0)"});
    case Kind::kDuration:
      return Pick({"duration('1s')", "duration('-90m')", "duration('250ms')", "duration('0')"});
    case Kind::kList:
      return Pick({"li", "[]", "[1, 2]", "[0, 2, 7]"});
    default:
      return Pick({"x", "x.a", "x.s", "x.n", "dyn(1)", "dyn('a')", "x.l", "dyn(null)", "x.zz"});
  }
}

std::string ExpressionGenerator::Compare(int depth) {
  const std::string relation = Pick({" < ", " <= ", " > ", " >= ", " == ", " != "});
  const bool equality = relation == " == " || relation == " != ";
  static constexpr Kind kKinds[] = {Kind::kInt,      Kind::kDouble, Kind::kString,
                                    Kind::kUint,     Kind::kBool,   Kind::kTimestamp,
                                    Kind::kDuration, Kind::kBytes,  Kind::kDyn};
  const Kind left = kKinds[choices_.Below(9)];
  Kind right = left;
  const bool number = left == Kind::kInt || left == Kind::kUint || left == Kind::kDouble;
  if (number && !equality) {
    right = std::vector{left, Kind::kInt, Kind::kUint, Kind::kDouble}[choices_.Below(4)];
  } else if (left == Kind::kDyn) {
    right = kKinds[choices_.Below(9)];
  }
  if (equality && choices_.Below(6) == 1) {
    return Pick({"j", "sn", "bn", "tn", "x", "st.b", "ls"}) + relation + "null";
  }
  return Make(left, depth - 1) + relation + Make(right, depth - 1);
}

std::string ExpressionGenerator::Macro(const char* name, int depth) {
  const std::string list = Make(Kind::kList, depth - 1);
  const std::string variable = "v" + std::to_string(int_variables_.size());
  int_variables_.push_back(variable);
  const std::string body = Make(Kind::kBool, depth - 1);
  int_variables_.pop_back();
  return list + "." + name + "(" + variable + ", " + body + ")";
}

std::string ExpressionGenerator::Bool(int depth) {
  if (depth <= 0) return Leaf(Kind::kBool);
  const auto sub = [&](Kind kind) { return Make(kind, depth - 1); };
  switch (choices_.Below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return "(" + Compare(depth) + ")";
    case 4:
      return "(" + sub(Kind::kBool) + " && " + sub(Kind::kBool) + ")";
    case 5:
      return "(" + sub(Kind::kBool) + " || " + sub(Kind::kBool) + ")";
    case 6:
      return "(" + sub(Kind::kBool) + " && " + sub(Kind::kBool) + " && " + sub(Kind::kBool) + ")";
    case 7:
      return "(" + sub(Kind::kDyn) + " || " + sub(Kind::kBool) + " || " + sub(Kind::kBool) + ")";
    case 8:
      return "!" + sub(Kind::kBool);
    case 9:
      return "(" + sub(Kind::kInt) + " in " + sub(Kind::kList) + ")";
    case 10:
      return "(" + sub(Kind::kString) + " in " +
             Pick({"['a', 'ab']", "['']", "['a', null]", "[sn, 'a']", "ls", "m"}) + ")";
    case 11:
      return sub(Kind::kString) + "." + Pick({"contains", "startsWith", "endsWith"}) + "(" +
             sub(Kind::kString) + ")";
    case 12:
      return sub(Kind::kString) + ".matches(" + Pick({"'^a'", "'b*$'", "'.'", "s"}) + ")";
    case 13:
      return Pick(
          {"has(x.a)", "has(x.zz)", "has(st.b)", "has(m.k)", "has(x.m.k)", "has(st.inner)"});
    case 14:
      return Macro(Pick({"exists", "all", "exists_one"}).c_str(), depth);
    default:
      return "(" + sub(Kind::kDyn) + " in " + Pick({"[1, 2]", "['a']", "x.l", "x", "dyn(li)"}) +
             ")";
  }
}

std::string ExpressionGenerator::Int(int depth) {
  const auto sub = [&](Kind kind) { return Make(kind, depth - 1); };
  switch (choices_.Below(12)) {
    case 0:
    case 1:
    case 2:
      return "(" + sub(Kind::kInt) + Pick({" + ", " - ", " * ", " / ", " % "}) + sub(Kind::kInt) +
             ")";
    case 3:
      return "-(" + sub(Kind::kInt) + ")";
    case 4:
      return "size(" + sub(choices_.Below(2) == 0 ? Kind::kString : Kind::kList) + ")";
    case 5:
      return "int(" +
             sub(std::vector{Kind::kDouble, Kind::kUint, Kind::kString,
                             Kind::kTimestamp}[choices_.Below(4)]) +
             ")";
    case 6:
      return sub(Kind::kList) + "[" + sub(Kind::kInt) + "]";
    case 7:
      return "m[" + sub(Kind::kString) + "]";
    case 8:
      return sub(Kind::kTimestamp) + "." +
             Pick({"getFullYear", "getMonth", "getDate", "getDayOfWeek", "getDayOfYear",
                   "getHours"}) +
             "(" + Pick({"", "'+02:30'", "'-11:00'"}) + ")";
    case 9:
      return sub(Kind::kDuration) + ".get" + Pick({"Hours", "Minutes", "Seconds", "Milliseconds"}) +
             "()";
    case 10:
      return sub(Kind::kString) + ".indexOf(" + sub(Kind::kString) + ")";
    default:
      return Pick({"st.inner.c", "m.k", "size(m)", "size(y)"});
  }
}

std::string ExpressionGenerator::Uint(int depth) {
  if (choices_.Below(3) == 0) return "uint(" + Make(Kind::kInt, depth - 1) + ")";
  return "(" + Make(Kind::kUint, depth - 1) + Pick({" + ", " - ", " * ", " / ", " % "}) +
         Make(Kind::kUint, depth - 1) + ")";
}

std::string ExpressionGenerator::Double(int depth) {
  switch (choices_.Below(5)) {
    case 0:
      return "double(" + Make(Kind::kInt, depth - 1) + ")";
    case 1:
      return "-(" + Make(Kind::kDouble, depth - 1) + ")";
    case 2:
      return "double(" + Make(Kind::kString, depth - 1) + ")";
    default:
      return "(" + Make(Kind::kDouble, depth - 1) + Pick({" + ", " - ", " * ", " / "}) +
             Make(Kind::kDouble, depth - 1) + ")";
  }
}

std::string ExpressionGenerator::String(int depth) {
  const auto sub = [&](Kind kind) { return Make(kind, depth - 1); };
  switch (choices_.Below(7)) {
    case 0:
    case 1:
      return "(" + sub(Kind::kString) + " + " + sub(Kind::kString) + ")";
    case 2:
      return sub(Kind::kString) + "." + Pick({"lowerAscii", "upperAscii"}) + "()";
    case 3:
      return sub(Kind::kString) + ".substring(" + sub(Kind::kInt) + ")";
    case 4:
      return sub(Kind::kString) + ".substring(0, " + sub(Kind::kInt) + ")";
    case 5:
      return "string(" +
             Make(std::vector{Kind::kInt, Kind::kBool, Kind::kUint, Kind::kDouble, Kind::kTimestamp,
                              Kind::kDuration, Kind::kBytes}[choices_.Below(7)],
                  depth - 1) +
             ")";
    default:
      return "[" + sub(Kind::kString) + "].map(w, w + w)[0]";
  }
}

std::string ExpressionGenerator::Bytes(int depth) {
  if (choices_.Below(2) == 0) return "bytes(" + Make(Kind::kString, depth - 1) + ")";
  return "(" + Make(Kind::kBytes, depth - 1) + " + " + Make(Kind::kBytes, depth - 1) + ")";
}

std::string ExpressionGenerator::Timestamp(int depth) {
  if (choices_.Below(3) == 0) return "timestamp(" + Make(Kind::kInt, depth - 1) + ")";
  return "(" + Make(Kind::kTimestamp, depth - 1) + Pick({" + ", " - "}) +
         Make(Kind::kDuration, depth - 1) + ")";
}

std::string ExpressionGenerator::Duration(int depth) {
  if (choices_.Below(3) == 0) {
    return "(" + Make(Kind::kTimestamp, depth - 1) + " - " + Make(Kind::kTimestamp, depth - 1) +
           ")";
  }
  return "(" + Make(Kind::kDuration, depth - 1) + Pick({" + ", " - "}) +
         Make(Kind::kDuration, depth - 1) + ")";
}

std::string ExpressionGenerator::List(int depth) {
  switch (choices_.Below(5)) {
    case 0:
      return "[" + Make(Kind::kInt, depth - 1) + ", " + Make(Kind::kInt, depth - 1) + "]";
    case 1:
      return "(" + Make(Kind::kList, depth - 1) + " + " + Make(Kind::kList, depth - 1) + ")";
    case 2:
      return Macro("filter", depth);
    default: {
      const std::string list = Make(Kind::kList, depth - 1);
      const std::string variable = "v" + std::to_string(int_variables_.size());
      int_variables_.push_back(variable);
      std::string condition;
      if (choices_.Below(2) == 1) condition = Make(Kind::kBool, depth - 1) + ", ";
      const std::string body = Make(Kind::kInt, depth - 1);
      int_variables_.pop_back();
      return list + ".map(" + variable + ", " + condition + body + ")";
    }
  }
}

std::string ExpressionGenerator::Dyn(int depth) {
  const auto sub = [&] { return Make(Kind::kDyn, depth - 1); };
  static constexpr Kind kKinds[] = {Kind::kInt,  Kind::kDouble, Kind::kString,   Kind::kBool,
                                    Kind::kUint, Kind::kList,   Kind::kTimestamp};
  switch (choices_.Below(7)) {
    case 0:
    case 1:
      return "dyn(" + Make(kKinds[choices_.Below(7)], depth - 1) + ")";
    case 2: {
      const Kind kind = kKinds[choices_.Below(3)];
      std::vector<std::string> operators = {" + "};
      if (kind != Kind::kString) operators.insert(operators.end(), {" - ", " * ", " / "});
      if (kind == Kind::kInt) operators.push_back(" % ");
      // One overload fits, so the checker knows the type; dyn() hides it again.
      return "dyn(" + sub() + Pick(operators) + Make(kind, depth - 1) + ")";
    }
    case 3:
      return sub() + "[" + Make(Kind::kInt, depth - 1) + "]";
    case 4:
      return "-" + sub();
    case 5:
      return "dyn(" + sub() + " + " + sub() + ")";
    default:
      return "[" + sub() + ", " + Make(kKinds[choices_.Below(7)], depth - 1) + "][" +
             Make(Kind::kInt, depth - 1) + "]";
  }
}

namespace {

Value Struct(std::vector<std::pair<std::string, Value>> fields) {
  Value::Map map;
  for (auto& [name, value] : fields) map.emplace_back(Value::String(name), value);
  return Value::MakeMap(std::move(map));
}

std::vector<Value> RandomRow(Choices& c) {
  const auto pick = [&](std::vector<Value> of) {
    return of[c.Below(static_cast<uint32_t>(of.size()))];
  };
  const auto some = [&](auto make) { return c.Below(3) == 1 ? Value::Null() : make(); };
  const auto integer = [&] {
    return pick({Value::Int(0), Value::Int(1), Value::Int(2), Value::Int(-3), Value::Int(INT64_MAX),
                 Value::Int(INT64_MIN), Value::Int(1000)});
  };
  const auto text = [&] {
    return pick({Value::String(""), Value::String("a"), Value::String("ab"), Value::String("B"),
                 Value::String("\u00e9x"), Value::String("12"), Value::String("-7"),
                 Value::String("1.5")});
  };
  const auto time = [&] {
    return pick({Value::Timestamp(0), Value::Timestamp(1234567890250), Value::Timestamp(-1),
                 Value::Timestamp(253402300799999), Value::Timestamp(-62135596800000)});
  };
  const auto truth = [&] { return pick({Value::Bool(false), Value::Bool(true)}); };
  const auto json = [&] {
    const Value any = pick({Value::Int(1), Value::String("a"), Value::Double(1.5), Value::Null(),
                            Value::Bool(true), Value::MakeList({Value::Int(1), Value::Int(0)})});
    const Value object = Struct({{"a", any},
                                 {"s", text()},
                                 {"n", Value::Null()},
                                 {"l", Value::MakeList({Value::Int(1), any})},
                                 {"m", Struct({{"k", any}})}});
    return c.Below(4) == 1 ? any : object;
  };
  Value::List numbers, texts;
  for (uint32_t n = c.Below(4); n > 0; --n) numbers.push_back(integer());
  for (uint32_t n = c.Below(3); n > 0; --n) texts.push_back(some(text));
  const auto list_of_texts = [&] { return Value::MakeList(texts); };
  Value::Map map;
  if (c.Below(2) == 1) map.emplace_back(Value::String("k"), integer());
  const auto inner = [&] { return Struct({{"c", integer()}}); };
  const auto outer = [&] { return Struct({{"a", integer()}}); };
  return {
      integer(),
      some(integer),
      pick({Value::Double(0), Value::Double(1), Value::Double(-2.5),
            Value::Double(9007199254740993.0), Value::Double(1e19)}),
      text(),
      some(text),
      truth(),
      some(truth),
      pick({Value::Bytes(""), Value::Bytes("a"), Value::Bytes("\xff"), Value::Bytes("\xc3\xa9")}),
      time(),
      some(time),
      some(json),
      Value::MakeList(numbers),
      some(list_of_texts),
      Value::MakeMap(map),
      Struct({{"a", integer()}, {"b", some(text)}, {"inner", some(inner)}}),
      some(outer)};
}

}  // namespace

RecordBatch RandomBatch(Choices* choices, size_t rows) {
  RecordBatch batch(AllTypes());
  for (size_t i = 0; i < rows; ++i) AppendValues(RandomRow(*choices), &batch);
  return batch;
}

}  // namespace weir::testing
