#include "engine/expr/cost.h"

#include <algorithm>
#include <map>
#include <memory>

namespace weir::expr {

namespace {

constexpr int64_t kMost = INT64_C(1'000'000'000'000);
constexpr int64_t kBytesPerStep = 32;
constexpr int64_t kJsonParse = 20;
constexpr int64_t kRegexStep = 10;
constexpr int64_t kRegexCompile = 2000;

int64_t Plus(int64_t a, int64_t b) { return std::min(kMost, a + b); }
int64_t Times(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? kMost : std::min(kMost, out);
}

// How large a value may be: bytes of a string, items of a list or map. Sizes are what the cost of
// an expression multiplies by, so they are followed through the whole tree.
struct Size {
  int64_t count = 1;
  std::shared_ptr<const Size> item;  // of a list; a map's value
};
using SizePtr = std::shared_ptr<const Size>;

SizePtr MakeSize(int64_t count, SizePtr item = nullptr) {
  return std::make_shared<const Size>(Size{std::max<int64_t>(count, 1), std::move(item)});
}

SizePtr SizeOfType(const CelType& type) {
  switch (type.kind) {
    case Kind::kString:
    case Kind::kBytes:
      return MakeSize(kAssumedStringBytes);
    case Kind::kList:
      return MakeSize(kAssumedListItems, SizeOfType(type.params[0]));
    case Kind::kMap:
      return MakeSize(kAssumedListItems, SizeOfType(type.params[1]));
    // May turn out to be a string or a list: the larger of the two.
    case Kind::kDyn:
      return MakeSize(kAssumedStringBytes);
    default:
      return MakeSize(1);
  }
}

SizePtr Larger(const SizePtr& a, const SizePtr& b) {
  if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
  return MakeSize(std::max(a->count, b->count), Larger(a->item, b->item));
}

struct Estimate {
  int64_t cost = 0;
  SizePtr size;
};

class Estimator {
 public:
  Estimate Visit(const Expr& e) {
    switch (e.node) {
      case NodeType::kLiteral:
        return {0, LiteralSize(e.literal)};
      case NodeType::kIdent:
        if (e.variable >= 0) return {1, variables_[e.variable]};
        return {e.type.is_dyn() ? kJsonParse : 1, SizeOfType(e.type)};
      case NodeType::kSelect:
      case NodeType::kHas: {
        const Estimate operand = Visit(*e.args[0]);
        return {Plus(operand.cost, 1), ItemOf(operand.size, e.type)};
      }
      case NodeType::kList:
      case NodeType::kMap:
        return VisitLiteral(e);
      case NodeType::kMacro:
        return VisitMacro(e);
      case NodeType::kCall:
        return VisitCall(e);
    }
    return {0, MakeSize(1)};
  }

 private:
  static SizePtr LiteralSize(const Value& v) {
    const bool text = v.kind() == Value::Kind::kString || v.kind() == Value::Kind::kBytes;
    return MakeSize(text ? static_cast<int64_t>(v.string_value().size()) : 1);
  }

  // An element of something of this size.
  static SizePtr ItemOf(const SizePtr& size, const CelType& type) {
    return size->item != nullptr ? size->item : SizeOfType(type);
  }

  Estimate VisitLiteral(const Expr& e) {
    Estimate out{1, nullptr};
    SizePtr item;
    for (size_t i = 0; i < e.args.size(); ++i) {
      const Estimate arg = Visit(*e.args[i]);
      out.cost = Plus(out.cost, Plus(arg.cost, e.args[i]->constant() ? 0 : 1));
      item = Larger(item, arg.size);
    }
    const int64_t count = static_cast<int64_t>(e.args.size()) / (e.node == NodeType::kMap ? 2 : 1);
    out.size = MakeSize(count, item == nullptr ? MakeSize(1) : item);
    return out;
  }

  Estimate VisitMacro(const Expr& e) {
    const Estimate range = Visit(*e.args[0]);
    const bool over_keys = e.args[0]->type.kind == Kind::kMap;
    const CelType item_type =
        e.args[0]->type.params.empty() ? CelType(Kind::kDyn) : e.args[0]->type.params[0];
    const SizePtr item = over_keys ? SizeOfType(item_type) : ItemOf(range.size, item_type);
    variables_[e.variable] = item;
    int64_t per_item = 2;
    Estimate last;
    for (size_t i = 1; i < e.args.size(); ++i) {
      last = Visit(*e.args[i]);
      per_item = Plus(per_item, last.cost);
    }
    const int64_t cost = Plus(range.cost, Times(range.size->count, per_item));
    switch (e.macro) {
      case Macro::kMap:
      case Macro::kMapIf:
        return {cost, MakeSize(range.size->count, last.size)};
      case Macro::kFilter:
        return {cost, MakeSize(range.size->count, item)};
      default:
        return {cost, MakeSize(1)};
    }
  }

  Estimate VisitCall(const Expr& e) {
    std::vector<SizePtr> sizes;
    std::vector<int64_t> costs;
    for (const ExprPtr& arg : e.args) {
      const Estimate estimate = Visit(*arg);
      sizes.push_back(estimate.size);
      costs.push_back(estimate.cost);
    }
    int64_t cost = CallCost(e, sizes);
    if (e.function == FunctionId::kConditional) {
      cost = Plus(cost, Plus(costs[0], std::max(costs[1], costs[2])));
    } else {
      for (const int64_t c : costs) cost = Plus(cost, c);
    }
    return {cost, ResultSize(e, sizes)};
  }

  // Without the arguments.
  static int64_t CallCost(const Expr& e, const std::vector<SizePtr>& sizes) {
    const int64_t first = sizes[0]->count;
    switch (e.function) {
      case FunctionId::kEqual:
      case FunctionId::kNotEqual:
      case FunctionId::kLess:
      case FunctionId::kLessEqual:
      case FunctionId::kGreater:
      case FunctionId::kGreaterEqual:
      case FunctionId::kStartsWith:
      case FunctionId::kEndsWith:
        return Plus(1, std::min(Total(sizes[0]), Total(sizes[1])) / kBytesPerStep);
      case FunctionId::kIn:
        return Plus(1, e.args[1]->constant() ? 1 : sizes[1]->count);
      case FunctionId::kIndex:
        return e.args[0]->type.kind == Kind::kList ? 1 : Plus(1, first);
      case FunctionId::kMatches: {
        const int64_t pattern = Plus(1, sizes[1]->count / kBytesPerStep);
        const int64_t compile = e.args[1]->constant() ? 0 : kRegexCompile;
        return Plus(compile, Plus(kRegexStep, Times(first, pattern) / 4));
      }
      case FunctionId::kContains:
      case FunctionId::kIndexOf:
      case FunctionId::kLastIndexOf:
        return Plus(1, Times(first, Plus(1, sizes[1]->count / kBytesPerStep)) / kBytesPerStep);
      case FunctionId::kAnd:
      case FunctionId::kOr:
        return static_cast<int64_t>(sizes.size()) - 1;
      case FunctionId::kConditional:
      case FunctionId::kDyn:
      case FunctionId::kNot:
        return 1;
      default:
        break;
    }
    int64_t walked = ResultSize(e, sizes)->count;
    for (const SizePtr& size : sizes) walked = Plus(walked, Total(size));
    return Plus(1, walked / kBytesPerStep);
  }

  // Bytes and items below a value.
  static int64_t Total(const SizePtr& size) {
    return size->item == nullptr ? size->count : Times(size->count, Total(size->item));
  }

  static SizePtr ResultSize(const Expr& e, const std::vector<SizePtr>& sizes) {
    const int64_t first = sizes[0]->count;
    switch (e.function) {
      case FunctionId::kAdd:
        if (e.type.kind == Kind::kString || e.type.kind == Kind::kBytes || e.type.is_dyn() ||
            e.type.kind == Kind::kList) {
          return MakeSize(Plus(first, sizes[1]->count), Larger(sizes[0]->item, sizes[1]->item));
        }
        return MakeSize(1);
      case FunctionId::kConditional:
        return Larger(sizes[1], sizes[2]);
      case FunctionId::kIndex:
        return ItemOf(sizes[0], e.type);
      case FunctionId::kReplace:
        // The longest result: an empty or one-byte text replaced everywhere.
        return MakeSize(Times(Plus(first, 1), Plus(1, sizes[2]->count / OldLength(e))));
      case FunctionId::kSplit:
        return MakeSize(Plus(first, 1), MakeSize(first));
      case FunctionId::kJoin: {
        const int64_t separator = sizes.size() > 1 ? sizes[1]->count : 0;
        const int64_t item =
            sizes[0]->item == nullptr ? kAssumedStringBytes : sizes[0]->item->count;
        return MakeSize(Times(first, Plus(item, separator)));
      }
      case FunctionId::kString:
      case FunctionId::kBytes:
        return MakeSize(std::max<int64_t>(first, 32));
      case FunctionId::kDyn:
        return sizes[0];
      default:
        return e.type.kind == Kind::kString ? MakeSize(first) : MakeSize(1);
    }
  }

  static int64_t OldLength(const Expr& replace) {
    const Value& old = replace.args[1]->literal;
    if (old.kind() != Value::Kind::kString) return 1;
    return std::max<int64_t>(1, static_cast<int64_t>(old.string_value().size()));
  }

  std::map<int, SizePtr> variables_;
};

}  // namespace

int64_t EstimateCost(const Expr& root) { return Estimator().Visit(root).cost; }

}  // namespace weir::expr
