#include <cmath>
#include <set>

#include "tests/unit/engine_expr/naive_interpreter.h"

namespace weir::naive {

namespace {

using K = Value::Kind;
using Wide = __int128;

Result Error() { return std::nullopt; }
bool Is(const Value& v, K kind) { return v.kind() == kind; }
bool Both(const Args& args, K a, K b) { return Is(args[0], a) && Is(args[1], b); }

Result FromWide(Wide v, K kind) {
  if (kind == K::kInt) {
    if (v < INT64_MIN || v > INT64_MAX) return Error();
    return Value::Int(static_cast<int64_t>(v));
  }
  if (kind == K::kUint) {
    if (v < 0 || v > static_cast<Wide>(UINT64_MAX)) return Error();
    return Value::Uint(static_cast<uint64_t>(v));
  }
  if (kind == K::kTimestamp) {
    if (v < Wide{-62135596800} * 1000 || v > Wide{253402300799} * 1000 + 999) return Error();
    return Value::Timestamp(static_cast<int64_t>(v));
  }
  if (v > Wide{315576000000} * 1000 || v < Wide{-315576000000} * 1000) return Error();
  return Value::Duration(static_cast<int64_t>(v));
}

Wide ToWide(const Value& v) {
  return Is(v, K::kUint) ? static_cast<Wide>(v.uint_value()) : static_cast<Wide>(v.int_value());
}

Result IntegerArithmetic(char op, const Value& a, const Value& b) {
  const Wide x = ToWide(a);
  const Wide y = ToWide(b);
  switch (op) {
    case '+':
      return FromWide(x + y, a.kind());
    case '-':
      return FromWide(x - y, a.kind());
    case '*':
      // The square of a large uint does not fit even the wide type.
      if (y != 0 && x > 0 && y > 0 && x > static_cast<Wide>(UINT64_MAX) / y) return Error();
      return FromWide(x * y, a.kind());
    default:
      break;
  }
  if (y == 0) return Error();
  const Result quotient = FromWide(x / y, a.kind());
  return !quotient || op == '/' ? quotient : FromWide(x % y, a.kind());
}

Result DoubleArithmetic(char op, double a, double b) {
  switch (op) {
    case '+':
      return Value::Double(a + b);
    case '-':
      return Value::Double(a - b);
    case '*':
      return Value::Double(a * b);
    case '/':
      return Value::Double(a / b);
    default:
      return Error();
  }
}

Result Add(const Args& args) {
  const Value& a = args[0];
  const Value& b = args[1];
  if (Both(args, K::kString, K::kString)) return Value::String(a.string_value() + b.string_value());
  if (Both(args, K::kBytes, K::kBytes)) return Value::Bytes(a.string_value() + b.string_value());
  if (Both(args, K::kList, K::kList)) {
    Value::List out = a.list();
    for (const Value& item : b.list()) out.push_back(item);
    return Value::MakeList(out);
  }
  const bool time =
      Both(args, K::kTimestamp, K::kDuration) || Both(args, K::kDuration, K::kTimestamp);
  if (time) return FromWide(ToWide(a) + ToWide(b), K::kTimestamp);
  if (Both(args, K::kDuration, K::kDuration)) return FromWide(ToWide(a) + ToWide(b), K::kDuration);
  return Error();
}

Result Subtract(const Args& args) {
  const Wide difference = ToWide(args[0]) - ToWide(args[1]);
  if (Both(args, K::kTimestamp, K::kTimestamp)) {
    if (difference * 1000000 > INT64_MAX || difference * 1000000 < INT64_MIN) return Error();
    return FromWide(difference, K::kDuration);
  }
  if (Both(args, K::kTimestamp, K::kDuration)) return FromWide(difference, K::kTimestamp);
  if (Both(args, K::kDuration, K::kDuration)) return FromWide(difference, K::kDuration);
  return Error();
}

Result Arithmetic(char op, const Args& args) {
  const K kind = args[0].kind();
  if (kind == args[1].kind()) {
    if (kind == K::kInt || kind == K::kUint) return IntegerArithmetic(op, args[0], args[1]);
    if (kind == K::kDouble) {
      return DoubleArithmetic(op, args[0].double_value(), args[1].double_value());
    }
  }
  if (op == '+') return Add(args);
  if (op == '-') return Subtract(args);
  return Error();
}

// -1, 0, 1; 2 = unordered; nullopt = not comparable.
std::optional<int> Order(const Value& a, const Value& b) {
  const auto order = [](const auto& x, const auto& y) {
    return x < y ? -1 : x == y ? 0 : x > y ? 1 : 2;
  };
  const auto number = [](const Value& v) -> std::optional<long double> {
    if (Is(v, K::kInt)) return v.int_value();
    if (Is(v, K::kUint)) return v.uint_value();
    if (Is(v, K::kDouble)) return v.double_value();
    return std::nullopt;
  };
  if (number(a) && number(b)) return order(*number(a), *number(b));
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case K::kBool:
      return order(a.bool_value(), b.bool_value());
    case K::kString:
    case K::kBytes: {
      const int c = a.string_value().compare(b.string_value());
      return c < 0 ? -1 : c > 0;
    }
    case K::kTimestamp:
    case K::kDuration:
      return order(a.int_value(), b.int_value());
    default:
      return std::nullopt;
  }
}

Result Relation(const std::string& op, const Args& args) {
  const std::optional<int> order = Order(args[0], args[1]);
  if (!order) return Error();
  if (*order == 2) return Value::Bool(false);
  if (op == "<") return Value::Bool(*order < 0);
  if (op == "<=") return Value::Bool(*order <= 0);
  if (op == ">") return Value::Bool(*order > 0);
  return Value::Bool(*order >= 0);
}

Result Contains(const Value& item, const Value& set) {
  if (Is(set, K::kList)) {
    for (const Value& v : set.list()) {
      if (Equal(v, item)) return Value::Bool(true);
    }
    return Value::Bool(false);
  }
  if (!Is(set, K::kMap)) return Error();
  for (const auto& entry : set.map()) {
    if (Equal(entry.first, item)) return Value::Bool(true);
  }
  return Value::Bool(false);
}

Result Index(const Value& target, const Value& index) {
  if (Is(target, K::kMap)) {
    if (index.is_null()) return Error();
    for (const auto& entry : target.map()) {
      if (Equal(entry.first, index)) return entry.second;
    }
    return Error();
  }
  if (!Is(target, K::kList)) return Error();
  for (size_t i = 0; i < target.list().size(); ++i) {
    // Any number that equals i selects item i.
    if (Equal(index, Value::Int(static_cast<int64_t>(i)))) return target.list()[i];
  }
  return Error();
}

Result Negate(const Value& v) {
  if (Is(v, K::kDouble)) return Value::Double(-v.double_value());
  return Is(v, K::kInt) ? FromWide(-ToWide(v), K::kInt) : Error();
}

}  // namespace

Result CallOperator(const std::string& name, const Args& args) {
  if (name == "_==_") return Value::Bool(Equal(args[0], args[1]));
  if (name == "_!=_") return Value::Bool(!Equal(args[0], args[1]));
  if (name == "@in") return Contains(args[0], args[1]);
  if (name == "_[_]") return Index(args[0], args[1]);
  if (name == "!_") return Is(args[0], K::kBool) ? Value::Bool(!args[0].bool_value()) : Error();
  if (name == "-_") return Negate(args[0]);
  const std::string op = name.substr(1, name.size() - 2);
  if (op[0] == '<' || op[0] == '>') return Relation(op, args);
  return Arithmetic(op[0], args);
}

Result CallFunction(const std::string& name, bool member, const Args& args) {
  static const std::set<std::string> kConversions = {"int",   "uint", "double",    "string",
                                                     "bytes", "bool", "timestamp", "duration"};
  if (name == "dyn") return args[0];
  if (name[0] == '_' || name[0] == '-' || name[0] == '!' || name[0] == '@') {
    return CallOperator(name, args);
  }
  if (!member && kConversions.count(name) > 0) return CallConversion(name, args[0]);
  if (name.substr(0, 3) == "get") return CallTime(name, args);
  return CallString(name, args);
}

}  // namespace weir::naive
