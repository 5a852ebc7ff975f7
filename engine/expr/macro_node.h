// exists, exists_one, all, map and filter.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/expr/ast.h"
#include "engine/expr/leaf_nodes.h"

namespace weir::expr {

// Turned inside out: step k evaluates the body for item k of all rows that have one, so that the
// body runs over vectors although the lists differ in length.
class MacroNode final : public Node {
 public:
  struct Parts {
    Macro macro;
    NodePtr range;  // a list or map; item = list items or map keys
    std::shared_ptr<VariableNode> variable;
    NodePtr condition;  // null for map(x, e)
    NodePtr transform;  // map only
    // Set if the range is a list column of a typed kind, which is read without making Values.
    const ColumnNode* list_column = nullptr;
  };
  MacroNode(Kind kind, int id, Parts parts) : Node(kind, id), p_(std::move(parts)) {}
  const Vec& Eval(Context& ctx, const Selection& rows) override;

 private:
  struct Lists;
  void Start(Context& ctx, const Selection& rows, Lists* lists);
  void Step(Context& ctx, const Lists& lists, size_t k);
  void Quantify(Context& ctx);
  void Collect(Context& ctx);
  void Select(Context& ctx);
  void Finish(const Selection& rows);

  Parts p_;
  std::vector<size_t> sizes_;           // items per row
  std::vector<uint32_t> open_;          // rows whose result is not decided yet
  std::vector<uint32_t> chosen_;        // of open_: rows whose item passed the condition
  std::vector<Value::List> collected_;  // results of map and filter
  std::vector<uint32_t> found_;         // exists_one: items that matched
  Buffer buffer_;
};

}  // namespace weir::expr
