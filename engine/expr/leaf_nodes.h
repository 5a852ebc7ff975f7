// Nodes without arguments: constants, columns, macro variables; and changes of representation.
#pragma once

#include <utility>
#include <vector>

#include "engine/expr/node.h"

namespace weir::expr {

// One value or one error, the same for every row.
class ConstantNode final : public Node {
 public:
  // A typed kind takes a value of that kind or null.
  ConstantNode(Kind kind, Value value);
  ConstantNode(Kind kind, State error);
  const Vec& Eval(Context&, const Selection&) override { return out_; }
  // Null if the constant is an error.
  const Value* value() const { return state_ <= kStateNull ? &value_ : nullptr; }

 private:
  void Point();
  Value value_;
  State state_ = kStateOk;
  Buffer buffer_;
};

// A column, or a field inside struct columns: path[0] is the column, the rest its children.
// A null struct on the way is an error, as selecting from null is.
class ColumnNode final : public Node {
 public:
  // `states_only`: for readers that take the values from Find (macros over lists).
  ColumnNode(Kind kind, int id, std::vector<int> path, bool states_only = false)
      : Node(kind, id), path_(std::move(path)), states_only_(states_only) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;
  const Column& Find(const Context& ctx) const;

 private:
  void FillStates(const Context& ctx, const Selection& rows);
  void FillValues(const Context& ctx, const Column& column, const Selection& rows);
  void AddJsonNulls(const Context& ctx, const Selection& rows);
  const std::vector<int> path_;
  const bool states_only_;
  std::vector<uint64_t> filled_;  // boxed kinds: the epoch in which the row was made
  uint64_t json_null_ = 0;        // the last epoch in which a json text was `null`
  Buffer buffer_;
};

// The current item of a macro, one per row.
class VariableNode final : public Node {
 public:
  VariableNode(Kind kind, int id) : Node(kind, id) {}
  const Vec& Eval(Context&, const Selection&) override { return out_; }
  void Prepare(size_t rows) { buffer_.Prepare(kind_, rows, true, &out_); }
  void Set(uint32_t r, const Value& value);
  // Item i of a list column's child.
  void Set(uint32_t r, const Column& items, size_t i);

 private:
  Buffer buffer_;
};

// Typed to Value.
class BoxNode final : public Node {
 public:
  BoxNode(int id, NodePtr arg) : Node(Kind::kDyn, id), arg_(std::move(arg)) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;

 private:
  NodePtr arg_;
  Buffer buffer_;
};

// Value to typed; a value of another kind is `error`.
class UnboxNode final : public Node {
 public:
  UnboxNode(Kind kind, int id, NodePtr arg, Err error)
      : Node(kind, id), arg_(std::move(arg)), error_(error) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;

 private:
  NodePtr arg_;
  Err error_;
  Buffer buffer_;
};

}  // namespace weir::expr
