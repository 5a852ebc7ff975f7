#include "engine/expr/logic_nodes.h"

#include <algorithm>

namespace weir::expr {

// Applies one argument to the rows that are still open; returns how many stay open, their numbers
// being in undecided_. `rows` may be undecided_ itself: what is written lies behind what is read.
size_t LogicNode::Narrow(const Vec& v, const Selection& rows) {
  int64_t* const out = buffer_.ints.data();
  State* const states = buffer_.state.data();
  uint32_t* const open = undecided_.data();
  const int64_t neutral = neutral_ ? 1 : 0;
  size_t count = 0;
  if (v.state == nullptr) {
    rows.ForEach([&](uint32_t r) {
      const int64_t value = v.ints[r & v.mask];
      const bool stays = value == neutral;
      // An undecided row keeps an earlier argument's error.
      states[r] = stays ? states[r] : kStateOk;
      out[r] = value;
      open[count] = r;
      count += stays ? 1 : 0;
    });
    return count;
  }
  rows.ForEach([&](uint32_t r) {
    const State state = v.StateAt(r);
    const bool decided = state == kStateOk && v.ints[r & v.mask] != neutral;
    if (decided) {
      out[r] = 1 - neutral;
      states[r] = kStateOk;
      return;
    }
    out[r] = neutral;
    if (state != kStateOk && states[r] == kStateOk) {
      states[r] = state == kStateNull ? Error(Err::kNoOverload) : state;
      failed_ = true;
    }
    open[count++] = r;
  });
  return count;
}

const Vec& LogicNode::Eval(Context& ctx, const Selection& rows) {
  buffer_.Prepare(kind_, ctx.rows, true, &out_);
  if (undecided_.size() < rows.count) undecided_.resize(rows.count);
  rows.ForEach([&](uint32_t r) { buffer_.state[r] = kStateOk; });
  failed_ = false;
  Selection open = rows;
  for (const NodePtr& arg : args_) {
    const Vec v = arg->Eval(ctx, open);
    const size_t count = Narrow(v, open);
    // All rows still open: a dense selection stays dense, whose loops are faster.
    if (count != open.count) open = {undecided_.data(), count, false};
    if (count == 0) break;
  }
  if (!failed_) out_.state = nullptr;
  return out_;
}

namespace {

void CopyRow(Kind kind, const Vec& from, uint32_t r, Buffer* to) {
  const uint32_t i = r & from.mask;
  if (!IsTyped(kind)) {
    to->values[r] = from.values[i];
  } else if (kind == Kind::kDouble) {
    to->doubles[r] = from.doubles[i];
  } else if (kind == Kind::kString || kind == Kind::kBytes) {
    to->strings[r] = from.text != nullptr ? from.text->String(r) : from.strings[i];
  } else {
    to->ints[r] = from.ints[i];
  }
}

}  // namespace

const Vec& ConditionalNode::Eval(Context& ctx, const Selection& rows) {
  const Vec v = condition_->Eval(ctx, rows);
  buffer_.Prepare(kind_, ctx.rows, true, &out_);
  yes_rows_.clear();
  no_rows_.clear();
  rows.ForEach([&](uint32_t r) {
    const State state = v.StateAt(r);
    if (state != kStateOk) {
      buffer_.state[r] = state == kStateNull ? Error(Err::kNoOverload) : state;
    } else {
      (v.ints[r & v.mask] != 0 ? yes_rows_ : no_rows_).push_back(r);
    }
  });
  Take(ctx, yes_.get(), yes_rows_);
  Take(ctx, no_.get(), no_rows_);
  return out_;
}

void ConditionalNode::Take(Context& ctx, Node* branch, const std::vector<uint32_t>& rows) {
  if (rows.empty()) return;
  const Vec v = branch->Eval(ctx, Selection::Of(rows));
  for (const uint32_t r : rows) {
    buffer_.state[r] = v.StateAt(r);
    if (buffer_.state[r] == kStateOk) CopyRow(kind_, v, r, &buffer_);
  }
}

}  // namespace weir::expr
