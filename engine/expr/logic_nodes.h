// && || and ?: — the functions that may succeed although an argument fails.
#pragma once

#include <utility>
#include <vector>

#include "engine/expr/node.h"

namespace weir::expr {

// A chain of && or ||. Every argument is evaluated for the rows that are not yet decided, so an
// error or null before a deciding argument is absorbed and one behind it is never seen.
class LogicNode final : public Node {
 public:
  LogicNode(bool is_and, int id, std::vector<NodePtr> args)
      : Node(Kind::kBool, id), neutral_(is_and), args_(std::move(args)) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;

 private:
  size_t Narrow(const Vec& v, const Selection& rows);
  const bool neutral_;  // the value that decides nothing
  std::vector<NodePtr> args_;
  std::vector<uint32_t> undecided_;
  bool failed_ = false;
  Buffer buffer_;
};

// Evaluates each branch for the rows that chose it.
class ConditionalNode final : public Node {
 public:
  ConditionalNode(Kind kind, int id, NodePtr condition, NodePtr yes, NodePtr no)
      : Node(kind, id),
        condition_(std::move(condition)),
        yes_(std::move(yes)),
        no_(std::move(no)) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;

 private:
  void Take(Context& ctx, Node* branch, const std::vector<uint32_t>& rows);
  NodePtr condition_, yes_, no_;
  std::vector<uint32_t> yes_rows_, no_rows_;
  Buffer buffer_;
};

}  // namespace weir::expr
