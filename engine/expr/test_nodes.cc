#include "engine/expr/test_nodes.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "engine/expr/kernel.h"

namespace weir::expr {

namespace {

// Shared shape: one bool per row from the states and values of the arguments. Null is an ordinary
// input here, unlike in KernelNode.
template <Kind K>
class EqualNode final : public Node {
 public:
  EqualNode(bool negate, int id, NodePtr a, NodePtr b)
      : Node(Kind::kBool, id), negate_(negate), a_(std::move(a)), b_(std::move(b)) {}

  const Vec& Eval(Context& ctx, const Selection& rows) override {
    const Vec a = a_->Eval(ctx, rows);
    const Vec b = b_->Eval(ctx, rows);
    const bool with_state = a.state != nullptr || b.state != nullptr;
    buffer_.Prepare(kind_, ctx.rows, with_state, &out_);
    int64_t* const out = buffer_.ints.data();
    const bool negate = negate_;
    using Traits = KindTraits<K>;
    if (!with_state) {
      rows.ForEach(
          [&](uint32_t r) { out[r] = (Traits::Load(a, r) == Traits::Load(b, r)) != negate; });
      return out_;
    }
    rows.ForEach([&](uint32_t r) {
      const State sa = a.StateAt(r);
      const State sb = b.StateAt(r);
      const State both = CombineStates(sa, sb);
      buffer_.state[r] = IsError(both) ? both : kStateOk;
      const bool equal = both == kStateOk ? Traits::Load(a, r) == Traits::Load(b, r) : sa == sb;
      out[r] = equal != negate;
    });
    return out_;
  }

 private:
  const bool negate_;
  NodePtr a_, b_;
  Buffer buffer_;
};

// A constant set of texts. Short lists compare one by one after a look at the length, which
// decides most rows; long ones are hashed.
class TextSet {
 public:
  explicit TextSet(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (const std::string& text : texts_) {
      views_.push_back(text);
      lengths_ |= LengthBit(text.size());
    }
    if (views_.size() > kMostCompared) hashed_.insert(views_.begin(), views_.end());
  }
  TextSet(const TextSet&) = delete;
  TextSet& operator=(const TextSet&) = delete;
  bool Contains(std::string_view text) const {
    if ((lengths_ & LengthBit(text.size())) == 0) return false;
    if (!hashed_.empty()) return hashed_.contains(text);
    for (const std::string_view view : views_) {
      if (view == text) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kMostCompared = 8;
  static uint64_t LengthBit(size_t size) { return uint64_t{1} << std::min<size_t>(size, 63); }
  const std::vector<std::string> texts_;
  std::vector<std::string_view> views_;
  std::unordered_set<std::string_view> hashed_;
  uint64_t lengths_ = 0;
};

template <typename T>
class NumberSet {
 public:
  explicit NumberSet(std::vector<T> numbers) : numbers_(std::move(numbers)) {
    // NaN equals nothing and would break the order.
    std::erase_if(numbers_, [](T v) { return v != v; });
    std::sort(numbers_.begin(), numbers_.end());
  }
  bool Contains(T v) const { return std::binary_search(numbers_.begin(), numbers_.end(), v); }

 private:
  std::vector<T> numbers_;
};

template <Kind K>
struct SetOf {
  using Item = int64_t;
  using Set = NumberSet<int64_t>;
  static Item Load(const Vec& v, uint32_t r) { return v.ints[r & v.mask]; }
  static Item FromValue(const Value& v) {
    return v.kind() == Value::Kind::kBool ? v.bool_value() : v.int_value();
  }
};
template <>
struct SetOf<Kind::kDouble> {
  using Item = double;
  using Set = NumberSet<double>;
  static Item Load(const Vec& v, uint32_t r) { return v.doubles[r & v.mask]; }
  static Item FromValue(const Value& v) { return v.double_value(); }
};
template <>
struct SetOf<Kind::kString> {
  using Item = std::string;
  using Set = TextSet;
  static std::string_view Load(const Vec& v, uint32_t r) {
    return KindTraits<Kind::kString>::Load(v, r);
  }
  static Item FromValue(const Value& v) { return v.string_value(); }
};

template <Kind K>
class InConstantsNode final : public Node {
 public:
  using Access = SetOf<K>;
  InConstantsNode(int id, NodePtr value, std::vector<typename Access::Item> items, bool has_null)
      : Node(Kind::kBool, id), value_(std::move(value)), set_(std::move(items)), null_(has_null) {}

  const Vec& Eval(Context& ctx, const Selection& rows) override {
    const Vec v = value_->Eval(ctx, rows);
    buffer_.Prepare(kind_, ctx.rows, v.state != nullptr, &out_);
    int64_t* const out = buffer_.ints.data();
    if (v.state == nullptr) {
      rows.ForEach([&](uint32_t r) { out[r] = set_.Contains(Access::Load(v, r)); });
      return out_;
    }
    rows.ForEach([&](uint32_t r) {
      const State state = v.StateAt(r);
      buffer_.state[r] = IsError(state) ? state : kStateOk;
      if (IsError(state)) return;
      out[r] = state == kStateNull ? null_ : set_.Contains(Access::Load(v, r));
    });
    return out_;
  }

 private:
  NodePtr value_;
  const typename Access::Set set_;
  const bool null_;
  Buffer buffer_;
};

template <Kind K>
NodePtr MakeSetNode(int id, NodePtr* value, const Value::List& constants) {
  std::vector<typename SetOf<K>::Item> items;
  bool has_null = false;
  for (const Value& constant : constants) {
    has_null = has_null || constant.is_null();
    if (!constant.is_null()) items.push_back(SetOf<K>::FromValue(constant));
  }
  return std::make_unique<InConstantsNode<K>>(id, std::move(*value), std::move(items), has_null);
}

class MatchesNode final : public Node {
 public:
  MatchesNode(int id, NodePtr text, std::shared_ptr<const Regex> regex)
      : Node(Kind::kBool, id), text_(std::move(text)), regex_(std::move(regex)) {}

  const Vec& Eval(Context& ctx, const Selection& rows) override {
    const Vec v = text_->Eval(ctx, rows);
    buffer_.Prepare(kind_, ctx.rows, v.state != nullptr, &out_);
    rows.ForEach([&](uint32_t r) {
      const State state = v.StateAt(r);
      if (v.state != nullptr) {
        buffer_.state[r] = state == kStateNull ? Error(Err::kNoOverload) : state;
      }
      if (state == kStateOk) {
        buffer_.ints[r] = regex_->Matches(KindTraits<Kind::kString>::Load(v, r));
      }
    });
    return out_;
  }

 private:
  NodePtr text_;
  std::shared_ptr<const Regex> regex_;
  Buffer buffer_;
};

class NotNullNode final : public Node {
 public:
  NotNullNode(int id, NodePtr arg) : Node(Kind::kBool, id), arg_(std::move(arg)) {}

  const Vec& Eval(Context& ctx, const Selection& rows) override {
    const Vec v = arg_->Eval(ctx, rows);
    buffer_.Prepare(kind_, ctx.rows, v.state != nullptr, &out_);
    rows.ForEach([&](uint32_t r) {
      const State state = v.StateAt(r);
      if (v.state != nullptr) buffer_.state[r] = IsError(state) ? state : kStateOk;
      buffer_.ints[r] = state == kStateOk;
    });
    return out_;
  }

 private:
  NodePtr arg_;
  Buffer buffer_;
};

template <Kind K>
NodePtr NewEqual(bool negate, int id, NodePtr a, NodePtr b) {
  return std::make_unique<EqualNode<K>>(negate, id, std::move(a), std::move(b));
}

}  // namespace

NodePtr MakeTypedEqual(bool negate, int id, NodePtr a, NodePtr b) {
  switch (a->kind()) {
    case Kind::kDouble:
      return NewEqual<Kind::kDouble>(negate, id, std::move(a), std::move(b));
    case Kind::kString:
    case Kind::kBytes:
      return NewEqual<Kind::kString>(negate, id, std::move(a), std::move(b));
    default:
      return NewEqual<Kind::kInt>(negate, id, std::move(a), std::move(b));
  }
}

NodePtr MakeInConstants(int id, NodePtr* value, const Value::List& constants) {
  const Kind kind = (*value)->kind();
  for (const Value& constant : constants) {
    if (!constant.is_null() && KindOf(constant) != kind) return nullptr;
  }
  switch (kind) {
    case Kind::kDouble:
      return MakeSetNode<Kind::kDouble>(id, value, constants);
    case Kind::kString:
    case Kind::kBytes:
      return MakeSetNode<Kind::kString>(id, value, constants);
    default:
      return MakeSetNode<Kind::kInt>(id, value, constants);
  }
}

NodePtr MakeMatches(int id, NodePtr text, std::shared_ptr<const Regex> regex) {
  return std::make_unique<MatchesNode>(id, std::move(text), std::move(regex));
}

NodePtr MakeNotNull(int id, NodePtr arg) {
  return std::make_unique<NotNullNode>(id, std::move(arg));
}

}  // namespace weir::expr
