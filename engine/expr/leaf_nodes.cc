#include "engine/expr/leaf_nodes.h"

namespace weir::expr {

ConstantNode::ConstantNode(Kind kind, Value value) : Node(kind, 0), value_(std::move(value)) {
  Point();
}

ConstantNode::ConstantNode(Kind kind, State error) : Node(kind, 0), state_(error) { Point(); }

void ConstantNode::Point() {
  buffer_.Prepare(kind_, 1, true, &out_);
  const bool fits = UnboxRow(kind_, value_, 0, &buffer_);
  WEIR_CHECK(fits, "a constant has its expression's static type");
  if (IsError(state_)) {
    buffer_.state[0] = state_;
  } else {
    state_ = buffer_.state[0];
  }
  if (state_ == kStateOk) out_.state = nullptr;
  out_.mask = 0;
}

const Column& ColumnNode::Find(const Context& ctx) const {
  const Column* column = &ctx.column(path_[0]);
  for (size_t i = 1; i < path_.size(); ++i) column = &column->child(path_[i]);
  return *column;
}

void ColumnNode::FillStates(const Context& ctx, const Selection& rows) {
  const Column* column = &ctx.column(path_[0]);
  bool nulls = column->has_nulls();
  for (size_t i = 1; i < path_.size(); ++i) {
    column = &column->child(path_[i]);
    nulls = nulls || column->has_nulls();
  }
  buffer_.Prepare(states_only_ ? Kind::kBool : kind_, ctx.rows, nulls, &out_);
  if (!nulls) return;
  State* const states = buffer_.state.data();
  rows.ForEach([&](uint32_t r) { states[r] = column->IsNull(r) ? kStateNull : kStateOk; });
  const Column* parent = &ctx.column(path_[0]);
  for (size_t i = 1; i < path_.size(); ++i) {
    if (parent->has_nulls()) {
      rows.ForEach([&](uint32_t r) {
        if (parent->IsNull(r)) states[r] = Error(Err::kNoOverload);
      });
    }
    parent = &parent->child(path_[i]);
  }
}

const Vec& ColumnNode::Eval(Context& ctx, const Selection& rows) {
  const Column& column = Find(ctx);
  FillStates(ctx, rows);
  if (states_only_) return out_;
  if (kind_ == Kind::kDouble) {
    out_.doubles = column.doubles().data();
  } else if (kind_ == Kind::kString || kind_ == Kind::kBytes) {
    out_.text = &column;
  } else if (IsTyped(kind_)) {
    out_.ints = column.ints().data();
  } else {
    FillValues(ctx, column, rows);
  }
  return out_;
}

// A row made once in this evaluation stays: parsing json again for every use would be slow.
void ColumnNode::FillValues(const Context& ctx, const Column& column, const Selection& rows) {
  if (filled_.size() < ctx.rows) filled_.resize(ctx.rows, 0);
  rows.ForEach([&](uint32_t r) {
    if (filled_[r] == ctx.epoch) return;
    filled_[r] = ctx.epoch;
    buffer_.values[r] = GetValue(column, r);
    // The json text `null` is a value of the column and null all the same.
    if (buffer_.values[r].is_null() && !column.IsNull(r)) json_null_ = ctx.epoch;
  });
  if (json_null_ == ctx.epoch) AddJsonNulls(ctx, rows);
}

void ColumnNode::AddJsonNulls(const Context& ctx, const Selection& rows) {
  if (out_.state == nullptr) {
    buffer_.Prepare(kind_, ctx.rows, true, &out_);
    rows.ForEach([&](uint32_t r) { buffer_.state[r] = kStateOk; });
  }
  rows.ForEach([&](uint32_t r) {
    if (buffer_.state[r] == kStateOk && buffer_.values[r].is_null()) buffer_.state[r] = kStateNull;
  });
}

void VariableNode::Set(uint32_t r, const Value& value) {
  if (!UnboxRow(kind_, value, r, &buffer_)) buffer_.state[r] = Error(Err::kNoOverload);
}

void VariableNode::Set(uint32_t r, const Column& items, size_t i) {
  buffer_.state[r] = items.IsNull(i) ? kStateNull : kStateOk;
  if (kind_ == Kind::kDouble) {
    buffer_.doubles[r] = items.Double(i);
  } else if (kind_ == Kind::kString || kind_ == Kind::kBytes) {
    buffer_.strings[r] = items.String(i);
  } else {
    buffer_.ints[r] = items.Int(i);
  }
}

const Vec& BoxNode::Eval(Context& ctx, const Selection& rows) {
  const Vec v = arg_->Eval(ctx, rows);
  buffer_.Prepare(kind_, ctx.rows, v.state != nullptr, &out_);
  rows.ForEach([&](uint32_t r) {
    if (v.state != nullptr) buffer_.state[r] = v.StateAt(r);
    if (v.StateAt(r) == kStateOk) buffer_.values[r] = BoxRow(arg_->kind(), v, r);
  });
  return out_;
}

const Vec& UnboxNode::Eval(Context& ctx, const Selection& rows) {
  const Vec v = arg_->Eval(ctx, rows);
  buffer_.Prepare(kind_, ctx.rows, true, &out_);
  rows.ForEach([&](uint32_t r) {
    const State state = v.StateAt(r);
    buffer_.state[r] = state;
    if (state != kStateOk) return;
    const bool fits = UnboxRow(kind_, v.values[r & v.mask], r, &buffer_);
    if (!fits) buffer_.state[r] = Error(error_);
  });
  return out_;
}

}  // namespace weir::expr
