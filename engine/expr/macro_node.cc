#include "engine/expr/macro_node.h"

#include <algorithm>

namespace weir::expr {

// Where the items of each row are.
struct MacroNode::Lists {
  const Column* column = nullptr;  // a list column
  Vec values;                      // else lists and maps as Values

  size_t SizeOf(uint32_t r) const {
    if (column != nullptr) return column->ListEnd(r) - column->ListBegin(r);
    const Value& v = values.values[r & values.mask];
    return v.kind() == Value::Kind::kList ? v.list().size() : v.map().size();
  }
  bool IsRange(uint32_t r) const {
    if (column != nullptr) return true;
    const Value::Kind kind = values.values[r & values.mask].kind();
    return kind == Value::Kind::kList || kind == Value::Kind::kMap;
  }
  void Load(uint32_t r, size_t k, VariableNode* variable) const {
    if (column != nullptr) {
      variable->Set(r, column->child(0), column->ListBegin(r) + k);
      return;
    }
    const Value& v = values.values[r & values.mask];
    variable->Set(r, v.kind() == Value::Kind::kList ? v.list()[k] : v.map()[k].first);
  }
};

const Vec& MacroNode::Eval(Context& ctx, const Selection& rows) {
  buffer_.Prepare(kind_, ctx.rows, true, &out_);
  if (sizes_.size() < ctx.rows) sizes_.resize(ctx.rows);
  if (found_.size() < ctx.rows) found_.resize(ctx.rows);
  if (p_.macro == Macro::kMap || p_.macro == Macro::kMapIf || p_.macro == Macro::kFilter) {
    if (collected_.size() < ctx.rows) collected_.resize(ctx.rows);
  }
  Lists lists;
  Start(ctx, rows, &lists);
  p_.variable->Prepare(ctx.rows);
  for (size_t k = 0; !open_.empty(); ++k) {
    // What the body makes is used up in this step.
    const Arena::Mark mark = ctx.scratch.arena.GetMark();
    Step(ctx, lists, k);
    ctx.scratch.arena.Rewind(mark);
  }
  Finish(rows);
  return out_;
}

void MacroNode::Start(Context& ctx, const Selection& rows, Lists* lists) {
  lists->values = p_.range->Eval(ctx, rows);
  if (p_.list_column != nullptr) lists->column = &p_.list_column->Find(ctx);
  open_.clear();
  rows.ForEach([&](uint32_t r) {
    const State state = lists->values.StateAt(r);
    buffer_.state[r] = state;
    if (state == kStateNull || (state == kStateOk && !lists->IsRange(r))) {
      buffer_.state[r] = Error(Err::kNoOverload);
    }
    if (buffer_.state[r] != kStateOk) return;
    sizes_[r] = lists->SizeOf(r);
    found_[r] = 0;
    if (!buffer_.ints.empty()) buffer_.ints[r] = p_.macro == Macro::kAll;
    if (!collected_.empty()) collected_[r].clear();
    open_.push_back(r);
  });
}

void MacroNode::Step(Context& ctx, const Lists& lists, size_t k) {
  std::erase_if(open_, [&](uint32_t r) { return k >= sizes_[r]; });
  if (open_.empty()) return;
  for (const uint32_t r : open_) lists.Load(r, k, p_.variable.get());
  if (p_.macro == Macro::kMap || p_.macro == Macro::kMapIf || p_.macro == Macro::kFilter) {
    Collect(ctx);
  } else {
    Quantify(ctx);
  }
}

// One item of exists, all, exists_one. The first two absorb errors as || and && do.
void MacroNode::Quantify(Context& ctx) {
  const Vec v = p_.condition->Eval(ctx, Selection::Of(open_));
  const bool deciding = p_.macro == Macro::kExists;
  std::erase_if(open_, [&](uint32_t r) {
    State state = v.StateAt(r);
    if (state == kStateNull) state = Error(Err::kNoOverload);
    if (p_.macro == Macro::kExistsOne) {
      if (IsError(state)) {
        buffer_.state[r] = state;
        return true;
      }
      found_[r] += v.ints[r & v.mask] != 0 ? 1 : 0;
      return false;
    }
    if (IsError(state)) {
      if (buffer_.state[r] == kStateOk) buffer_.state[r] = state;
      return false;
    }
    if ((v.ints[r & v.mask] != 0) != deciding) return false;
    buffer_.ints[r] = deciding;
    buffer_.state[r] = kStateOk;
    return true;
  });
}

// Splits open_ by the condition into chosen_; rows whose condition fails are decided.
void MacroNode::Select(Context& ctx) {
  if (p_.condition == nullptr) {
    chosen_ = open_;
    return;
  }
  const Vec v = p_.condition->Eval(ctx, Selection::Of(open_));
  chosen_.clear();
  std::erase_if(open_, [&](uint32_t r) {
    const State state = v.StateAt(r);
    if (state != kStateOk) {
      buffer_.state[r] = state == kStateNull ? Error(Err::kNoOverload) : state;
      return true;
    }
    if (v.ints[r & v.mask] != 0) chosen_.push_back(r);
    return false;
  });
}

// One item of map and filter.
void MacroNode::Collect(Context& ctx) {
  Select(ctx);
  if (chosen_.empty()) return;
  Node* const source = p_.transform != nullptr ? p_.transform.get() : p_.variable.get();
  const Vec v = source->Eval(ctx, Selection::Of(chosen_));
  bool failed = false;
  for (const uint32_t r : chosen_) {
    const State state = v.StateAt(r);
    if (IsError(state)) {
      buffer_.state[r] = state;
      failed = true;
    } else {
      collected_[r].push_back(BoxRow(source->kind(), v, r));
    }
  }
  if (failed) {
    std::erase_if(open_, [&](uint32_t r) { return buffer_.state[r] != kStateOk; });
  }
}

void MacroNode::Finish(const Selection& rows) {
  rows.ForEach([&](uint32_t r) {
    if (buffer_.state[r] != kStateOk) return;
    if (p_.macro == Macro::kExistsOne) buffer_.ints[r] = found_[r] == 1;
    if (!collected_.empty()) buffer_.values[r] = Value::MakeList(std::move(collected_[r]));
  });
}

}  // namespace weir::expr
