#include "engine/expr/builder.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "engine/expr/leaf_nodes.h"
#include "engine/expr/logic_nodes.h"
#include "engine/expr/macro_node.h"
#include "engine/expr/regex.h"
#include "engine/expr/test_nodes.h"
#include "engine/expr/value_nodes.h"

namespace weir::expr {

namespace {

const Value* ConstantOf(const Node& node) {
  const auto* constant = dynamic_cast<const ConstantNode*>(&node);
  return constant == nullptr ? nullptr : constant->value();
}

class Builder {
 public:
  explicit Builder(std::vector<Diagnostic>* errors) : errors_(errors) {}

  Built Run(const Expr& root, std::optional<Kind> result) {
    const size_t errors_before = errors_->size();
    NodePtr node = Make(root, true);
    if (result) node = Convert(std::move(node), *result, root.position, Err::kResultType);
    if (errors_->size() == errors_before) built_.root = std::move(node);
    built_.columns.assign(columns_.begin(), columns_.end());
    return std::move(built_);
  }

 private:
  int Id(Position position) {
    built_.positions.push_back(position);
    return static_cast<int>(built_.positions.size()) - 1;
  }

  // `conjunct`: the expression is false whenever this part of it is.
  NodePtr Make(const Expr& e, bool conjunct = false) {
    NodePtr node = MakeNode(e, conjunct);
    return e.constant() ? Fold(std::move(node)) : std::move(node);
  }

  NodePtr MakeNode(const Expr& e, bool conjunct) {
    switch (e.node) {
      case NodeType::kLiteral:
        return std::make_unique<ConstantNode>(e.type.kind, e.literal);
      case NodeType::kIdent:
        return e.variable >= 0 ? Variable(e) : Column(e, {e.column});
      case NodeType::kSelect:
        return Select(e);
      case NodeType::kHas:
        return Has(e);
      case NodeType::kList:
        return MakeList(Id(e.position), Arguments(e));
      case NodeType::kMap:
        return MakeMap(Id(e.position), Arguments(e));
      case NodeType::kMacro:
        return MacroCall(e);
      case NodeType::kCall:
        return Call(e, conjunct);
    }
    return nullptr;
  }

  static NodePtr Fold(NodePtr node) {
    if (dynamic_cast<ConstantNode*>(node.get()) != nullptr) return node;
    Context ctx;
    ctx.rows = 1;
    ctx.epoch = 1;
    const Vec v = node->Eval(ctx, Selection::All(1));
    const State state = v.StateAt(0);
    if (IsError(state)) return std::make_unique<ConstantNode>(node->kind(), state);
    return std::make_unique<ConstantNode>(node->kind(), BoxRow(node->kind(), v, 0));
  }

  std::vector<NodePtr> Arguments(const Expr& e) {
    std::vector<NodePtr> out;
    for (const ExprPtr& arg : e.args) out.push_back(Make(*arg));
    return out;
  }

  // To the representation of `kind`.
  NodePtr Convert(NodePtr node, Kind kind, Position position, Err error = Err::kNoOverload) {
    if (node->kind() == kind || (!node->typed() && !IsTyped(kind))) return node;
    const bool constant = dynamic_cast<ConstantNode*>(node.get()) != nullptr;
    if (!IsTyped(kind)) {
      node = std::make_unique<BoxNode>(Id(position), std::move(node));
    } else {
      node = std::make_unique<UnboxNode>(kind, Id(position), std::move(node), error);
    }
    return constant ? Fold(std::move(node)) : std::move(node);
  }

  NodePtr Column(const Expr& e, std::vector<int> path) {
    columns_.insert(path[0]);
    auto node = std::make_unique<ColumnNode>(e.type.kind, Id(e.position), path);
    if (node->typed()) return node;
    // Columns of Values are made once per row, whoever asks.
    std::shared_ptr<Node>& shared = value_columns_[std::move(path)];
    if (shared == nullptr) shared = std::move(node);
    return std::make_unique<SharedNode>(shared);
  }

  NodePtr Variable(const Expr& e) { return std::make_unique<SharedNode>(variables_[e.variable]); }

  // The path of a field inside struct columns; empty if `e` is not one.
  static std::vector<int> StructPath(const Expr& e) {
    if (e.node == NodeType::kIdent && e.column >= 0) return {e.column};
    const bool selects = e.node == NodeType::kSelect || e.node == NodeType::kHas;
    if (!selects || e.args[0]->type.kind != Kind::kStruct) return {};
    std::vector<int> path = StructPath(*e.args[0]);
    if (path.empty()) return {};
    const std::vector<std::string>& names = e.args[0]->type.names;
    const auto field = std::find(names.begin(), names.end(), e.name);
    path.push_back(static_cast<int>(field - names.begin()));
    return path;
  }

  NodePtr Select(const Expr& e) {
    std::vector<int> path = StructPath(e);
    if (!path.empty()) return Column(e, std::move(path));
    return MakeSelect(e.type.kind, Id(e.position), Make(*e.args[0]), e.name);
  }

  NodePtr Has(const Expr& e) {
    std::vector<int> path = StructPath(e);
    const CelType& operand = e.args[0]->type;
    if (path.empty()) {
      const bool of_struct = operand.kind == Kind::kStruct;
      return MakeHas(of_struct, Id(e.position), Make(*e.args[0]), e.name);
    }
    // The field's own type: the has() itself is bool.
    Expr field(NodeType::kSelect, e.position);
    field.type = operand.params[static_cast<size_t>(path.back())];
    return MakeNotNull(Id(e.position), Column(field, std::move(path)));
  }

  NodePtr Condition(const Expr& e) { return Convert(Make(e), Kind::kBool, e.position); }

  NodePtr MacroCall(const Expr& e) {
    MacroNode::Parts parts;
    const Expr& range = *e.args[0];
    parts.macro = e.macro;
    CelType item(Kind::kDyn);
    if (!range.type.params.empty()) item = range.type.params[0];
    parts.variable = std::make_shared<VariableNode>(item.kind, Id(range.position));
    std::unique_ptr<ColumnNode> list = ListColumn(range, item.kind);
    parts.list_column = list.get();
    parts.range = list != nullptr ? std::move(list) : Make(range);
    variables_[e.variable] = parts.variable;
    if (e.macro != Macro::kMap) parts.condition = Condition(*e.args[1]);
    if (e.macro == Macro::kMap || e.macro == Macro::kMapIf) parts.transform = Make(*e.args.back());
    return std::make_unique<MacroNode>(e.type.kind, Id(e.position), std::move(parts));
  }

  // A list column of typed items is walked in place, without making Values.
  std::unique_ptr<ColumnNode> ListColumn(const Expr& range, Kind item) {
    const bool named = range.node == NodeType::kIdent || range.node == NodeType::kSelect;
    if (!named || range.type.kind != Kind::kList || !IsTyped(item)) return nullptr;
    std::vector<int> path = StructPath(range);
    if (path.empty()) return nullptr;
    columns_.insert(path[0]);
    return std::make_unique<ColumnNode>(Kind::kList, Id(range.position), std::move(path), true);
  }

  NodePtr Call(const Expr& e, bool conjunct) {
    switch (e.function) {
      case FunctionId::kAnd:
      case FunctionId::kOr:
        return Logic(e, conjunct);
      case FunctionId::kConditional:
        return Conditional(e);
      case FunctionId::kEqual:
      case FunctionId::kNotEqual:
        return Equal(e, conjunct);
      case FunctionId::kIn:
        return In(e);
      case FunctionId::kIndex:
        return MakeIndex(e.type.kind, Id(e.position), Make(*e.args[0]), Make(*e.args[1]));
      case FunctionId::kDyn:
        return Convert(Make(*e.args[0]), Kind::kDyn, e.position);
      case FunctionId::kMatches:
        return Matches(e);
      default:
        return Function(e, Arguments(e));
    }
  }

  NodePtr Logic(const Expr& e, bool conjunct) {
    const bool is_and = e.function == FunctionId::kAnd;
    std::vector<NodePtr> args;
    for (const ExprPtr& arg : e.args) {
      args.push_back(Convert(Make(*arg, conjunct && is_and), Kind::kBool, arg->position));
    }
    return std::make_unique<LogicNode>(is_and, Id(e.position), std::move(args));
  }

  NodePtr Conditional(const Expr& e) {
    NodePtr yes = Convert(Make(*e.args[1]), e.type.kind, e.args[1]->position);
    NodePtr no = Convert(Make(*e.args[2]), e.type.kind, e.args[2]->position);
    return std::make_unique<ConditionalNode>(e.type.kind, Id(e.position), Condition(*e.args[0]),
                                             std::move(yes), std::move(no));
  }

  NodePtr Equal(const Expr& e, bool conjunct) {
    const bool negate = e.function == FunctionId::kNotEqual;
    NodePtr a = Make(*e.args[0]);
    NodePtr b = Make(*e.args[1]);
    if (conjunct && !negate) {
      AddConjunct(*e.args[0], *b);
      AddConjunct(*e.args[1], *a);
    }
    const int id = Id(e.position);
    if (a->kind() == b->kind() && a->typed()) {
      return MakeTypedEqual(negate, id, std::move(a), std::move(b));
    }
    a = Convert(std::move(a), Kind::kDyn, e.position);
    b = Convert(std::move(b), Kind::kDyn, e.position);
    return MakeValueEqual(negate, id, std::move(a), std::move(b));
  }

  void AddConjunct(const Expr& field, const Node& other) {
    if (field.node != NodeType::kIdent || field.column < 0 || !IsTyped(field.type.kind)) return;
    // Equal doubles may differ in their bytes (0.0 and -0.0), so an index cannot hold them.
    if (field.type.kind == Kind::kDouble) return;
    const Value* constant = ConstantOf(other);
    if (constant == nullptr || KindOf(*constant) != field.type.kind) return;
    built_.conjuncts.push_back({field.column, *constant});
  }

  NodePtr In(const Expr& e) {
    NodePtr value = Make(*e.args[0]);
    NodePtr set = Make(*e.args[1]);
    const int id = Id(e.position);
    const Value* constant = ConstantOf(*set);
    if (constant != nullptr && constant->kind() == Value::Kind::kList && value->typed()) {
      if (NodePtr fast = MakeInConstants(id, &value, constant->list())) return fast;
    }
    return MakeIn(id, Convert(std::move(value), Kind::kDyn, e.position), std::move(set));
  }

  NodePtr Matches(const Expr& e) {
    std::vector<NodePtr> args = Arguments(e);
    const Value* pattern = ConstantOf(*args[1]);
    if (pattern == nullptr || pattern->kind() != Value::Kind::kString || e.overload == nullptr) {
      return Function(e, std::move(args));
    }
    std::string error;
    auto regex = std::make_shared<Regex>(pattern->string_value(), &error);
    if (!error.empty()) {
      errors_->push_back(
          {ErrorCode::kExprType, e.args[1]->position, "invalid regular expression: " + error});
    }
    return MakeMatches(Id(e.position), std::move(args[0]), std::move(regex));
  }

  NodePtr Function(const Expr& e, std::vector<NodePtr> args) {
    const int id = Id(e.position);
    if (e.overload != nullptr) return e.overload->make(id, std::move(args));
    return Convert(MakeDynamicCall(e.function, id, std::move(args)), e.type.kind, e.position);
  }

  std::vector<Diagnostic>* errors_;
  Built built_;
  std::set<int> columns_;
  std::map<std::vector<int>, std::shared_ptr<Node>> value_columns_;
  std::map<int, std::shared_ptr<VariableNode>> variables_;
};

}  // namespace

Built Build(const Expr& root, std::optional<Kind> result, std::vector<Diagnostic>* errors) {
  return Builder(errors).Run(root, result);
}

}  // namespace weir::expr
