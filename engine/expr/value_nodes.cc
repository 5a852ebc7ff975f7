#include "engine/expr/value_nodes.h"

#include <algorithm>
#include <cmath>

namespace weir::expr {

const Vec& ValueNode::Eval(Context& ctx, const Selection& rows) {
  inputs_.clear();
  for (const NodePtr& arg : args_) inputs_.push_back(arg->Eval(ctx, rows));
  boxed_.resize(args_.size());
  pointers_.resize(args_.size());
  buffer_.Prepare(kind_, ctx.rows, true, &out_);
  rows.ForEach([&](uint32_t r) {
    const State state = Compute(ctx, r);
    if (IsError(state)) buffer_.state[r] = state;
  });
  return out_;
}

State ValueNode::Compute(Context& ctx, uint32_t r) {
  static const Value null;
  State state = kStateOk;
  for (const Vec& input : inputs_) state = CombineStates(state, input.StateAt(r));
  if (IsError(state)) return state;
  for (size_t i = 0; i < args_.size(); ++i) {
    const Vec& input = inputs_[i];
    if (input.StateAt(r) == kStateNull) {
      pointers_[i] = &null;
    } else if (input.values != nullptr && !args_[i]->typed()) {
      pointers_[i] = &input.values[r & input.mask];
    } else {
      boxed_[i] = BoxRow(args_[i]->kind(), input, r);
      pointers_[i] = &boxed_[i];
    }
  }
  Result result;
  if (const Err err = Row(ctx, pointers_.data(), &result); err != Err::kOk) return Error(err);
  Store(r, result);
  return kStateOk;
}

void ValueNode::Store(uint32_t r, const Result& result) {
  const Value& value = result.borrowed != nullptr ? *result.borrowed : result.made;
  if (!UnboxRow(kind_, value, r, &buffer_)) buffer_.state[r] = Error(Err::kNoOverload);
}

namespace {

class DynamicCallNode final : public ValueNode {
 public:
  DynamicCallNode(FunctionId function, int id, std::vector<NodePtr> args)
      : ValueNode(Kind::kDyn, id, std::move(args)), function_(function) {}

 private:
  Err Row(Context& ctx, const Value* const* args, Result* result) override {
    Value copies[kMaxArguments];
    for (size_t i = 0; i < arity(); ++i) copies[i] = *args[i];
    return CallDynamic(function_, ctx.scratch, std::span(copies, arity()), &result->made);
  }
  const FunctionId function_;
};

// The whole number that an index means, if it means one.
Err ListIndex(const Value& v, int64_t* out) {
  switch (v.kind()) {
    case Value::Kind::kInt:
      *out = v.int_value();
      return Err::kOk;
    case Value::Kind::kUint:
      *out = v.uint_value() > uint64_t{INT64_MAX} ? -1 : static_cast<int64_t>(v.uint_value());
      return Err::kOk;
    case Value::Kind::kDouble: {
      const double d = v.double_value();
      if (!(d >= -0x1p62 && d <= 0x1p62) || d != std::trunc(d)) return Err::kIndexRange;
      *out = static_cast<int64_t>(d);
      return Err::kOk;
    }
    default:
      return Err::kNoOverload;
  }
}

const Value* FindKey(const Value::Map& map, const Value& key) {
  for (const auto& entry : map) {
    if (entry.first == key) return &entry.second;
  }
  return nullptr;
}

class IndexNode final : public ValueNode {
 public:
  using ValueNode::ValueNode;

 private:
  Err Row(Context&, const Value* const* args, Result* result) override {
    const Value& target = *args[0];
    const Value& index = *args[1];
    if (target.kind() == Value::Kind::kList) {
      int64_t i = 0;
      if (const Err err = ListIndex(index, &i); err != Err::kOk) return err;
      if (i < 0 || i >= static_cast<int64_t>(target.list().size())) return Err::kIndexRange;
      result->borrowed = &target.list()[static_cast<size_t>(i)];
      return Err::kOk;
    }
    if (target.kind() != Value::Kind::kMap || index.is_null()) return Err::kNoOverload;
    result->borrowed = FindKey(target.map(), index);
    return result->borrowed == nullptr ? Err::kNoSuchKey : Err::kOk;
  }
};

std::vector<NodePtr> Two(NodePtr a, NodePtr b) {
  std::vector<NodePtr> out;
  out.push_back(std::move(a));
  out.push_back(std::move(b));
  return out;
}

std::vector<NodePtr> One(NodePtr a) {
  std::vector<NodePtr> out;
  out.push_back(std::move(a));
  return out;
}

class SelectNode final : public ValueNode {
 public:
  SelectNode(Kind kind, int id, NodePtr target, std::string name)
      : ValueNode(kind, id, One(std::move(target))), name_(std::move(name)) {}

 private:
  Err Row(Context&, const Value* const* args, Result* result) override {
    if (args[0]->kind() != Value::Kind::kMap) return Err::kNoOverload;
    result->borrowed = args[0]->Get(name_);
    return result->borrowed == nullptr ? Err::kNoSuchKey : Err::kOk;
  }
  const std::string name_;
};

class HasNode final : public ValueNode {
 public:
  HasNode(bool of_struct, int id, NodePtr target, std::string name)
      : ValueNode(Kind::kBool, id, One(std::move(target))),
        of_struct_(of_struct),
        name_(std::move(name)) {}

 private:
  Err Row(Context&, const Value* const* args, Result* result) override {
    if (args[0]->kind() != Value::Kind::kMap) return Err::kNoOverload;
    const Value* value = args[0]->Get(name_);
    result->made = Value::Bool(value != nullptr && !(of_struct_ && value->is_null()));
    return Err::kOk;
  }
  const bool of_struct_;
  const std::string name_;
};

class ListNode final : public ValueNode {
 public:
  ListNode(int id, std::vector<NodePtr> items) : ValueNode(Kind::kList, id, std::move(items)) {}

 private:
  Err Row(Context&, const Value* const* args, Result* result) override {
    Value::List items;
    items.reserve(arity());
    for (size_t i = 0; i < arity(); ++i) items.push_back(*args[i]);
    result->made = Value::MakeList(std::move(items));
    return Err::kOk;
  }
};

class MapNode final : public ValueNode {
 public:
  MapNode(int id, std::vector<NodePtr> entries) : ValueNode(Kind::kMap, id, std::move(entries)) {}

 private:
  static bool IsKey(const Value& v) {
    switch (v.kind()) {
      case Value::Kind::kBool:
      case Value::Kind::kInt:
      case Value::Kind::kUint:
      case Value::Kind::kString:
        return true;
      default:
        return false;
    }
  }
  Err Row(Context&, const Value* const* args, Result* result) override {
    Value::Map map;
    for (size_t i = 0; i < arity(); i += 2) {
      if (!IsKey(*args[i])) return Err::kKeyType;
      if (FindKey(map, *args[i]) != nullptr) return Err::kDuplicateKey;
      map.emplace_back(*args[i], *args[i + 1]);
    }
    result->made = Value::MakeMap(std::move(map));
    return Err::kOk;
  }
};

class InNode final : public ValueNode {
 public:
  InNode(int id, NodePtr value, NodePtr set)
      : ValueNode(Kind::kBool, id, Two(std::move(value), std::move(set))) {}

 private:
  Err Row(Context&, const Value* const* args, Result* result) override {
    const Value& value = *args[0];
    const Value& set = *args[1];
    if (set.kind() == Value::Kind::kList) {
      const Value::List& list = set.list();
      result->made = Value::Bool(std::find(list.begin(), list.end(), value) != list.end());
    } else if (set.kind() == Value::Kind::kMap) {
      result->made = Value::Bool(FindKey(set.map(), value) != nullptr);
    } else {
      return Err::kNoOverload;
    }
    return Err::kOk;
  }
};

class ValueEqualNode final : public ValueNode {
 public:
  ValueEqualNode(bool negate, int id, NodePtr a, NodePtr b)
      : ValueNode(Kind::kBool, id, Two(std::move(a), std::move(b))), negate_(negate) {}

 private:
  Err Row(Context&, const Value* const* args, Result* result) override {
    result->made = Value::Bool((*args[0] == *args[1]) != negate_);
    return Err::kOk;
  }
  const bool negate_;
};

}  // namespace

NodePtr MakeDynamicCall(FunctionId function, int id, std::vector<NodePtr> args) {
  return std::make_unique<DynamicCallNode>(function, id, std::move(args));
}
NodePtr MakeIndex(Kind kind, int id, NodePtr target, NodePtr index) {
  return std::make_unique<IndexNode>(kind, id, Two(std::move(target), std::move(index)));
}
NodePtr MakeSelect(Kind kind, int id, NodePtr target, std::string name) {
  return std::make_unique<SelectNode>(kind, id, std::move(target), std::move(name));
}
NodePtr MakeHas(bool of_struct, int id, NodePtr target, std::string name) {
  return std::make_unique<HasNode>(of_struct, id, std::move(target), std::move(name));
}
NodePtr MakeList(int id, std::vector<NodePtr> items) {
  return std::make_unique<ListNode>(id, std::move(items));
}
NodePtr MakeMap(int id, std::vector<NodePtr> keys_and_values) {
  return std::make_unique<MapNode>(id, std::move(keys_and_values));
}
NodePtr MakeIn(int id, NodePtr value, NodePtr set) {
  return std::make_unique<InNode>(id, std::move(value), std::move(set));
}
NodePtr MakeValueEqual(bool negate, int id, NodePtr a, NodePtr b) {
  return std::make_unique<ValueEqualNode>(negate, id, std::move(a), std::move(b));
}

}  // namespace weir::expr
