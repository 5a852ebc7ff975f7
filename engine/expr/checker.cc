#include "engine/expr/checker.h"

#include <algorithm>
#include <string>

#include "engine/expr/regex.h"
#include "engine/expr/text.h"
#include "engine/expr/time_text.h"

namespace weir::expr {

namespace {

bool IsBool(const CelType& type) { return type.kind == Kind::kBool || type.is_dyn(); }

class Checker {
 public:
  Checker(const Schema& schema, std::vector<Diagnostic>* errors)
      : schema_(schema), errors_(errors) {}

  // After an error a node has type dyn, so that its parents do not report it again.
  void Check(Expr* e) {
    if (e->node == NodeType::kMacro) {
      CheckMacro(e);
    } else {
      for (const ExprPtr& arg : e->args) Check(arg.get());
      CheckNode(e);
    }
    for (const ExprPtr& arg : e->args) {
      e->reads_columns = e->reads_columns || arg->reads_columns;
      // What a macro binds itself is not free outside of it.
      const bool bound = e->node == NodeType::kMacro && arg->outermost_variable >= e->variable;
      if (!bound) e->outermost_variable = std::min(e->outermost_variable, arg->outermost_variable);
    }
  }

 private:
  struct Variable {
    std::string name;
    CelType type;
  };

  void Error(ErrorCode code, Position position, std::string message) {
    errors_->push_back({code, position, std::move(message)});
  }

  void CheckNode(Expr* e) {
    switch (e->node) {
      case NodeType::kLiteral:
        e->type = CelType(KindOf(e->literal));
        break;
      case NodeType::kIdent:
        CheckIdent(e);
        break;
      case NodeType::kSelect:
      case NodeType::kHas:
        CheckSelect(e);
        break;
      case NodeType::kCall:
        CheckCall(e);
        break;
      case NodeType::kList: {
        CelType item(Kind::kNever);
        for (const ExprPtr& arg : e->args) item = Join(item, arg->type);
        e->type = CelType::List(item);
        break;
      }
      case NodeType::kMap:
        CheckMap(e);
        break;
      case NodeType::kMacro:
        break;
    }
  }

  void CheckIdent(Expr* e) {
    for (size_t i = variables_.size(); i-- > 0;) {
      if (variables_[i].name != e->name) continue;
      e->type = variables_[i].type;
      e->variable = static_cast<int>(i);
      e->outermost_variable = e->variable;
      return;
    }
    e->column = schema_.Find(e->name);
    e->reads_columns = true;
    if (e->column >= 0) {
      const Field& field = schema_.field(e->column);
      e->type = CelType::From(field.type, field.nullable);
      return;
    }
    std::vector<std::string> known;
    for (const Variable& variable : variables_) known.push_back(variable.name);
    for (const Field& field : schema_.fields()) known.push_back(field.name);
    Error(ErrorCode::kExprUnknownName, e->position,
          "undeclared reference to '" + e->name + "'" + DidYouMean(e->name, known));
  }

  void CheckSelect(Expr* e) {
    const CelType& operand = e->args[0]->type;
    e->type = CelType(Kind::kDyn);
    if (operand.kind == Kind::kStruct) {
      const auto field = std::find(operand.names.begin(), operand.names.end(), e->name);
      if (field == operand.names.end()) {
        Error(ErrorCode::kExprUnknownName, e->position,
              "undefined field '" + e->name + "'" + DidYouMean(e->name, operand.names));
      } else {
        e->type = operand.params[static_cast<size_t>(field - operand.names.begin())];
      }
    } else if (operand.kind == Kind::kMap &&
               (operand.params[0].kind == Kind::kString || operand.params[0].is_dyn())) {
      e->type = operand.params[1];
    } else if (!operand.is_dyn()) {
      Error(ErrorCode::kExprType, e->position,
            "type '" + operand.ToString() + "' does not support field selection");
    }
    if (e->node == NodeType::kHas) e->type = CelType(Kind::kBool);
  }

  void CheckMap(Expr* e) {
    CelType key(Kind::kNever);
    CelType value(Kind::kNever);
    for (size_t i = 0; i < e->args.size(); i += 2) {
      const CelType& type = e->args[i]->type;
      const bool allowed = type.is_dyn() || type.kind == Kind::kBool || type.kind == Kind::kInt ||
                           type.kind == Kind::kUint || type.kind == Kind::kString;
      if (!allowed) {
        Error(ErrorCode::kExprType, e->args[i]->position,
              "type '" + type.ToString() + "' cannot be a map key");
      }
      key = Join(key, type);
      value = Join(value, e->args[i + 1]->type);
    }
    e->type = CelType::Map(key, value);
  }

  void CheckMacro(Expr* e) {
    Expr* range = e->args[0].get();
    Check(range);
    CelType item(Kind::kDyn);
    if (range->type.kind == Kind::kList || range->type.kind == Kind::kMap) {
      item = range->type.params[0];
      if (item.kind == Kind::kNever) item.kind = Kind::kDyn;
    } else if (!range->type.is_dyn()) {
      Error(ErrorCode::kExprType, range->position,
            e->function_text + "() needs a list or a map, not '" + range->type.ToString() + "'");
    }
    e->variable = static_cast<int>(variables_.size());
    variables_.push_back({e->name, item});
    for (size_t i = 1; i < e->args.size(); ++i) Check(e->args[i].get());
    variables_.pop_back();
    if (e->macro != Macro::kMap && !IsBool(e->args[1]->type)) {
      Error(ErrorCode::kExprType, e->args[1]->position,
            "the condition of " + e->function_text + "() must be bool, not '" +
                e->args[1]->type.ToString() + "'");
    }
    if (e->macro == Macro::kFilter) {
      e->type = CelType::List(item);
    } else if (e->macro == Macro::kMap || e->macro == Macro::kMapIf) {
      e->type = CelType::List(e->args.back()->type);
    } else {
      e->type = CelType(Kind::kBool);
    }
  }

  void CheckCall(Expr* e) {
    e->function = FindFunction(e->name);
    if (e->function == FunctionId::kNone) {
      Error(ErrorCode::kExprUnknownName, e->position,
            "undeclared reference to function '" + e->name + "'" +
                DidYouMean(e->name, FunctionNames()));
      return;
    }
    bool fits = false;
    switch (e->function) {
      case FunctionId::kEqual:
      case FunctionId::kNotEqual:
        fits = CheckEqual(e);
        break;
      case FunctionId::kIn:
        fits = CheckIn(e);
        break;
      case FunctionId::kIndex:
        fits = CheckIndex(e);
        break;
      case FunctionId::kAnd:
      case FunctionId::kOr:
        return CheckLogic(e);
      case FunctionId::kConditional:
        fits = CheckConditional(e);
        break;
      case FunctionId::kDyn:
        fits = !e->member && e->args.size() == 1;
        break;
      default:
        fits = Resolve(e);
        break;
    }
    if (!fits) {
      Mismatch(e, 0, e->args.size());
      e->type = CelType(Kind::kDyn);
    } else {
      CheckConstants(*e);
    }
  }

  void Mismatch(Expr* e, size_t begin, size_t end) {
    std::string text;
    size_t first = begin;
    if (e->member) text = e->args[first++]->type.ToString() + ".";
    text += "(";
    for (size_t i = first; i < end; ++i) {
      text += (i == first ? "" : ", ") + e->args[i]->type.ToString();
    }
    Error(ErrorCode::kExprType, e->position,
          "found no matching overload for '" + e->name + "' applied to '" + text + ")'");
  }

  static bool CheckEqual(Expr* e) {
    CelType unused;
    e->type = CelType(Kind::kBool);
    return Unify(e->args[0]->type, e->args[1]->type, &unused);
  }

  static bool CheckIn(Expr* e) {
    const CelType& set = e->args[1]->type;
    CelType unused;
    e->type = CelType(Kind::kBool);
    if (set.is_dyn()) return true;
    return (set.kind == Kind::kList || set.kind == Kind::kMap) &&
           Unify(e->args[0]->type, set.params[0], &unused);
  }

  static bool CheckIndex(Expr* e) {
    const CelType& target = e->args[0]->type;
    const CelType& index = e->args[1]->type;
    CelType unused;
    e->type = CelType(Kind::kDyn);
    if (target.is_dyn()) return true;
    if (target.kind == Kind::kList) {
      e->type = target.params[0];
      return index.kind == Kind::kInt || index.is_dyn();
    }
    if (target.kind != Kind::kMap) return false;
    e->type = target.params[1];
    return Unify(index, target.params[0], &unused);
  }

  void CheckLogic(Expr* e) {
    e->type = CelType(Kind::kBool);
    for (size_t i = 1; i < e->args.size(); ++i) {
      // Pairwise from the left, as if the chain were written with parentheses.
      const bool left_fits = i > 1 || IsBool(e->args[0]->type);
      if (left_fits && IsBool(e->args[i]->type)) continue;
      const CelType left = i > 1 ? CelType(Kind::kBool) : e->args[0]->type;
      Error(ErrorCode::kExprType, e->operators[i - 1],
            "found no matching overload for '" + e->name + "' applied to '(" + left.ToString() +
                ", " + e->args[i]->type.ToString() + ")'");
    }
  }

  static bool CheckConditional(Expr* e) {
    const CelType& yes = e->args[1]->type;
    const CelType& no = e->args[2]->type;
    if (!IsBool(e->args[0]->type)) return false;
    if (Unify(yes, no, &e->type)) return true;
    // Beyond the specification: `c ? x : null` is a nullable x, or no projection could yield null.
    e->type = Join(yes, no);
    return yes.kind == Kind::kNull || no.kind == Kind::kNull;
  }

  // Finds the overload of an ordinary function.
  static bool Resolve(Expr* e) {
    bool has_dyn = false;
    for (const ExprPtr& arg : e->args) has_dyn = has_dyn || arg->type.is_dyn();
    const Overload* found = nullptr;
    bool same_result = true;
    for (const Overload& overload : Overloads(e->function)) {
      if (!Fits(overload, *e)) continue;
      if (found != nullptr && found->result != overload.result) same_result = false;
      if (found == nullptr) found = &overload;
    }
    if (found == nullptr) return false;
    e->type = same_result ? CelType(found->result) : CelType(Kind::kDyn);
    if (!has_dyn) e->overload = found;
    return e->type.kind != Kind::kList || CheckListResult(e);
  }

  static bool Fits(const Overload& overload, const Expr& e) {
    if (!(e.member ? overload.member : overload.global)) return false;
    if (overload.argument_count != static_cast<int>(e.args.size())) return false;
    for (size_t i = 0; i < e.args.size(); ++i) {
      const CelType& type = e.args[i]->type;
      if (!type.is_dyn() && type.kind != overload.arguments[i]) return false;
      const bool strings = e.function == FunctionId::kJoin && i == 0 && type.kind == Kind::kList;
      if (strings && type.params[0].kind != Kind::kString && !type.params[0].is_dyn()) return false;
    }
    return true;
  }

  // The table knows lists, but not of what.
  static bool CheckListResult(Expr* e) {
    e->type = CelType::List(e->function == FunctionId::kSplit ? Kind::kString : Kind::kDyn);
    if (e->function != FunctionId::kAdd || e->overload == nullptr) return true;
    const bool fits = Unify(e->args[0]->type, e->args[1]->type, &e->type);
    e->type.nullable = false;  // null + list is an error, never null
    return fits;
  }

  // Mistakes in constants that could only fail at run time.
  void CheckConstants(const Expr& e) {
    const ExprPtr& last = e.args.back();
    if (last->literal.kind() != Value::Kind::kString) return;
    if (e.function == FunctionId::kMatches) {
      std::string error;
      const Regex regex(last->literal.string_value(), &error);
      if (!error.empty()) {
        Error(ErrorCode::kExprType, last->position, "invalid regular expression: " + error);
      }
    } else if (e.overload != nullptr && e.overload->argument_count == 2 &&
               e.overload->arguments[0] == Kind::kTimestamp && e.member) {
      int64_t offset = 0;
      if (ParseTimeZone(last->literal.string_value(), &offset) != Err::kOk) {
        Error(ErrorCode::kExprType, last->position,
              "time zone '" + last->literal.string_value() +
                  "' is not UTC or a fixed offset such as '+02:00'");
      }
    }
  }

  const Schema& schema_;
  std::vector<Diagnostic>* errors_;
  std::vector<Variable> variables_;
};

}  // namespace

void CheckTypes(const Schema& schema, Expr* root, std::vector<Diagnostic>* errors) {
  Checker(schema, errors).Check(root);
}

}  // namespace weir::expr
