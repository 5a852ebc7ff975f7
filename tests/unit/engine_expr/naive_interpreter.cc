#include "tests/unit/engine_expr/naive_interpreter.h"

#include <cmath>

namespace weir::naive {

using expr::Expr;
using expr::Macro;
using expr::NodeType;

bool Equal(const Value& a, const Value& b) {
  using K = Value::Kind;
  const auto number = [](const Value& v) -> std::optional<long double> {
    if (v.kind() == K::kInt) return v.int_value();
    if (v.kind() == K::kUint) return v.uint_value();
    if (v.kind() == K::kDouble) return v.double_value();
    return std::nullopt;
  };
  if (number(a) && number(b)) return *number(a) == *number(b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case K::kNull:
      return true;
    case K::kString:
    case K::kBytes:
      return a.string_value() == b.string_value();
    case K::kList:
      if (a.list().size() != b.list().size()) return false;
      for (size_t i = 0; i < a.list().size(); ++i) {
        if (!Equal(a.list()[i], b.list()[i])) return false;
      }
      return true;
    case K::kMap:
      if (a.map().size() != b.map().size()) return false;
      for (const auto& [key, value] : a.map()) {
        bool found = false;
        for (const auto& [other_key, other] : b.map()) {
          found = found || (Equal(key, other_key) && Equal(value, other));
        }
        if (!found) return false;
      }
      return true;
    default:
      return a.int_value() == b.int_value();
  }
}

Result Interpreter::Eval(const Expr& e) {
  switch (e.node) {
    case NodeType::kLiteral:
      return e.literal;
    case NodeType::kIdent:
      for (size_t i = scope_.size(); i-- > 0;) {
        if (scope_[i].first == e.name) return scope_[i].second;
      }
      return GetValue(batch_.column(batch_.schema()->Find(e.name)), row_);
    case NodeType::kSelect:
      return EvalSelect(e, false);
    case NodeType::kHas:
      return EvalSelect(e, true);
    case NodeType::kList: {
      Value::List items;
      for (const auto& arg : e.args) {
        const Result item = Eval(*arg);
        if (!item) return item;
        items.push_back(*item);
      }
      return Value::MakeList(items);
    }
    case NodeType::kMap:
      return EvalMapLiteral(e);
    case NodeType::kMacro:
      return EvalMacro(e);
    case NodeType::kCall:
      return EvalCall(e);
  }
  return std::nullopt;
}

Result Interpreter::EvalSelect(const Expr& e, bool test_only) {
  const Result target = Eval(*e.args[0]);
  if (!target || target->kind() != Value::Kind::kMap) return std::nullopt;
  for (const auto& [key, value] : target->map()) {
    if (key.kind() != Value::Kind::kString || key.string_value() != e.name) continue;
    if (!test_only) return value;
    // A struct's field is present if it is not null; a map's key, if it is there.
    return Value::Bool(e.args[0]->type.kind != expr::Kind::kStruct || !value.is_null());
  }
  if (test_only) return Value::Bool(false);
  return std::nullopt;
}

Result Interpreter::EvalMapLiteral(const Expr& e) {
  Value::Map map;
  for (size_t i = 0; i < e.args.size(); i += 2) {
    const Result key = Eval(*e.args[i]);
    const Result value = Eval(*e.args[i + 1]);
    if (!key || !value) return std::nullopt;
    using K = Value::Kind;
    const K kind = key->kind();
    if (kind != K::kBool && kind != K::kInt && kind != K::kUint && kind != K::kString) {
      return std::nullopt;
    }
    for (const auto& entry : map) {
      if (Equal(entry.first, *key)) return std::nullopt;
    }
    map.emplace_back(*key, *value);
  }
  return Value::MakeMap(map);
}

// && and ||: the decisive value wins wherever it stands; else any failure; else the other value.
Result Interpreter::EvalLogic(const Expr& e, bool decisive) {
  bool failed = false;
  for (const auto& arg : e.args) {
    const Result v = Eval(*arg);
    if (!v || v->kind() != Value::Kind::kBool) {
      failed = true;
    } else if (v->bool_value() == decisive) {
      return Value::Bool(decisive);
    }
  }
  if (failed) return std::nullopt;
  return Value::Bool(!decisive);
}

Result Interpreter::EvalMacro(const Expr& e) {
  const Result range = Eval(*e.args[0]);
  if (!range) return range;
  std::vector<Value> items;
  if (range->kind() == Value::Kind::kList) {
    items = range->list();
  } else if (range->kind() == Value::Kind::kMap) {
    for (const auto& entry : range->map()) items.push_back(entry.first);
  } else {
    return std::nullopt;
  }
  int yes = 0;
  int no = 0;
  int failed = 0;
  std::vector<Value> out;
  for (const Value& item : items) {
    scope_.emplace_back(e.name, item);
    Result condition = Value::Bool(true);
    if (e.macro != Macro::kMap) condition = Eval(*e.args[1]);
    const bool is_bool = condition && condition->kind() == Value::Kind::kBool;
    (is_bool ? (condition->bool_value() ? yes : no) : failed)++;
    if (is_bool && condition->bool_value()) {
      const bool maps = e.macro == Macro::kMap || e.macro == Macro::kMapIf;
      const Result made = maps ? Eval(*e.args.back()) : Result(item);
      if (made) out.push_back(*made);
      if (!made) ++failed;
    }
    scope_.pop_back();
  }
  switch (e.macro) {
    case Macro::kExists:
      if (yes > 0) return Value::Bool(true);
      break;
    case Macro::kAll:
      if (no > 0) return Value::Bool(false);
      break;
    default:
      break;
  }
  if (failed > 0) return std::nullopt;
  switch (e.macro) {
    case Macro::kExists:
      return Value::Bool(false);
    case Macro::kAll:
      return Value::Bool(true);
    case Macro::kExistsOne:
      return Value::Bool(yes == 1);
    default:
      return Value::MakeList(out);
  }
}

Result Interpreter::EvalCall(const Expr& e) {
  if (e.name == "_&&_") return EvalLogic(e, false);
  if (e.name == "_||_") return EvalLogic(e, true);
  if (e.name == "_?_:_") {
    const Result condition = Eval(*e.args[0]);
    if (!condition || condition->kind() != Value::Kind::kBool) return std::nullopt;
    return Eval(*e.args[condition->bool_value() ? 1 : 2]);
  }
  Args args;
  for (const auto& arg : e.args) {
    const Result v = Eval(*arg);
    if (!v) return v;
    args.push_back(*v);
  }
  return CallFunction(e.name, e.member, args);
}

}  // namespace weir::naive
