// Nodes over Values: lists, maps, json, and calls whose overload is known at run time only.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/expr/functions.h"
#include "engine/expr/node.h"

namespace weir::expr {

// A node used at several places of the tree; evaluating it again for rows that it has done is
// harmless. Columns of Values are shared, so that json is parsed once.
class SharedNode final : public Node {
 public:
  explicit SharedNode(std::shared_ptr<Node> node) : Node(node->kind(), 0), node_(std::move(node)) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override { return node_->Eval(ctx, rows); }

 private:
  std::shared_ptr<Node> node_;
};

// A strict function computed row by row on Values: collects errors and stores results.
class ValueNode : public Node {
 public:
  ValueNode(Kind kind, int id, std::vector<NodePtr> args)
      : Node(kind, id), args_(std::move(args)) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;

 protected:
  // `args` has no errors but may have nulls. A text that a node of a typed kind gives is a view, so
  // it is `borrowed` from inside a list or map of an argument, whose arrays live long enough.
  struct Result {
    Value made;
    const Value* borrowed = nullptr;
  };
  virtual Err Row(Context& ctx, const Value* const* args, Result* result) = 0;
  size_t arity() const { return args_.size(); }

 private:
  State Compute(Context& ctx, uint32_t r);
  void Store(uint32_t r, const Result& result);

  std::vector<NodePtr> args_;
  std::vector<Vec> inputs_;
  std::vector<Value> boxed_;
  std::vector<const Value*> pointers_;
  Buffer buffer_;
};

NodePtr MakeDynamicCall(FunctionId function, int id, std::vector<NodePtr> args);
// target[index]; the result has the static kind `kind`.
NodePtr MakeIndex(Kind kind, int id, NodePtr target, NodePtr index);
NodePtr MakeSelect(Kind kind, int id, NodePtr target, std::string name);
// has(target.name); `of_struct`: present means not null.
NodePtr MakeHas(bool of_struct, int id, NodePtr target, std::string name);
NodePtr MakeList(int id, std::vector<NodePtr> items);
NodePtr MakeMap(int id, std::vector<NodePtr> keys_and_values);
// value in list-or-map, by comparing one after the other.
NodePtr MakeIn(int id, NodePtr value, NodePtr set);
// a == b on any two values, null included.
NodePtr MakeValueEqual(bool negate, int id, NodePtr a, NodePtr b);

}  // namespace weir::expr
