// Makes a vector node and a dynamic call out of one scalar function.
//
//   Err AddInt(int64_t a, int64_t b, int64_t* out);
//   Operator<AddInt, Kind::kInt, Kind::kInt, Kind::kInt>(FunctionId::kAdd)
//
// A scalar function is one of: R f(args...) that cannot fail; Err f(args..., R* out);
// Err f(Scratch&, args..., R* out) that makes strings. It never sees null: a null argument of a
// strict function is the error "no such overload".
#pragma once

#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/expr/functions.h"
#include "engine/expr/node.h"

namespace weir::expr {

template <Kind K>
struct KindTraits {  // list, map, dyn
  using Arg = const Value&;
  using Result = Value;
  static Arg Load(const Vec& v, uint32_t r) { return v.values[r & v.mask]; }
  static Arg Load(const Value& v) { return v; }
  static Value* Out(Buffer* b) { return b->values.data(); }
  static Value Box(Value v) { return v; }
};

template <typename T, Kind K>
struct IntTraits {
  using Arg = T;
  using Result = T;
  static T Load(const Vec& v, uint32_t r) { return static_cast<T>(v.ints[r & v.mask]); }
  static T Load(const Value& v) { return static_cast<T>(v.int_value()); }
  static int64_t* Out(Buffer* b) { return b->ints.data(); }
  static Value Box(T v) {
    if constexpr (K == Kind::kInt) return Value::Int(v);
    if constexpr (K == Kind::kUint) return Value::Uint(v);
    if constexpr (K == Kind::kTimestamp) return Value::Timestamp(v);
    if constexpr (K == Kind::kDuration) return Value::Duration(v);
  }
};
template <>
struct KindTraits<Kind::kInt> : IntTraits<int64_t, Kind::kInt> {};
template <>
struct KindTraits<Kind::kUint> : IntTraits<uint64_t, Kind::kUint> {};
template <>
struct KindTraits<Kind::kTimestamp> : IntTraits<int64_t, Kind::kTimestamp> {};
template <>
struct KindTraits<Kind::kDuration> : IntTraits<int64_t, Kind::kDuration> {};

template <>
struct KindTraits<Kind::kBool> {
  using Arg = bool;
  using Result = bool;
  static bool Load(const Vec& v, uint32_t r) { return v.ints[r & v.mask] != 0; }
  static bool Load(const Value& v) { return v.bool_value(); }
  static int64_t* Out(Buffer* b) { return b->ints.data(); }
  static Value Box(bool v) { return Value::Bool(v); }
};
template <>
struct KindTraits<Kind::kDouble> {
  using Arg = double;
  using Result = double;
  static double Load(const Vec& v, uint32_t r) { return v.doubles[r & v.mask]; }
  static double Load(const Value& v) { return v.double_value(); }
  static double* Out(Buffer* b) { return b->doubles.data(); }
  static Value Box(double v) { return Value::Double(v); }
};
template <Kind K>
struct TextTraits {
  using Arg = std::string_view;
  using Result = std::string_view;
  static std::string_view Load(const Vec& v, uint32_t r) {
    return v.text != nullptr ? v.text->String(r) : v.strings[r & v.mask];
  }
  static std::string_view Load(const Value& v) { return v.string_value(); }
  static std::string_view* Out(Buffer* b) { return b->strings.data(); }
  static Value Box(std::string_view v) {
    return K == Kind::kString ? Value::String(std::string(v)) : Value::Bytes(std::string(v));
  }
};
template <>
struct KindTraits<Kind::kString> : TextTraits<Kind::kString> {};
template <>
struct KindTraits<Kind::kBytes> : TextTraits<Kind::kBytes> {};

template <auto F, Kind R, Kind... A>
struct ScalarCall {
  using Fn = decltype(F);
  using Result = typename KindTraits<R>::Result;
  static constexpr bool kPlain = std::is_invocable_v<Fn, typename KindTraits<A>::Arg...>;
  static constexpr bool kScratch =
      std::is_invocable_v<Fn, Scratch&, typename KindTraits<A>::Arg..., Result*>;

  static Err Run(Scratch& scratch, typename KindTraits<A>::Arg... args, Result* out) {
    if constexpr (kPlain) {
      *out = F(args...);
      return Err::kOk;
    } else if constexpr (kScratch) {
      return F(scratch, args..., out);
    } else {
      return F(args..., out);
    }
  }
};

template <auto F, Kind R, Kind... A>
class KernelNode final : public Node {
 public:
  KernelNode(int id, std::vector<NodePtr> args) : Node(R, id), args_(std::move(args)) {}

  const Vec& Eval(Context& ctx, const Selection& rows) override {
    return Run(ctx, rows, std::index_sequence_for<decltype(A)...>{});
  }

 private:
  using Call = ScalarCall<F, R, A...>;

  template <size_t... I>
  const Vec& Run(Context& ctx, const Selection& rows, std::index_sequence<I...>) {
    const Vec v[] = {args_[I]->Eval(ctx, rows)...};
    bool with_state = !Call::kPlain;
    ((with_state = with_state || v[I].state != nullptr), ...);
    buffer_.Prepare(R, ctx.rows, with_state, &out_);
    auto* const out = KindTraits<R>::Out(&buffer_);
    if constexpr (Call::kPlain) {
      if (!with_state) {
        rows.ForEach([&](uint32_t r) { out[r] = F(KindTraits<A>::Load(v[I], r)...); });
        return out_;
      }
    }
    State* const states = buffer_.state.data();
    State any = kStateOk;
    rows.ForEach([&](uint32_t r) {
      State state = kStateOk;
      ((state = CombineStates(state, v[I].StateAt(r))), ...);
      if (state == kStateNull) state = Error(Err::kNoOverload);
      if (state == kStateOk) {
        typename Call::Result result{};
        const Err err = Call::Run(ctx.scratch, KindTraits<A>::Load(v[I], r)..., &result);
        if (err == Err::kOk) {
          out[r] = std::move(result);
        } else {
          state = Error(err);
        }
      }
      states[r] = state;
      any |= state;
    });
    if (any == kStateOk) out_.state = nullptr;
    return out_;
  }

  std::vector<NodePtr> args_;
  Buffer buffer_;
};

template <auto F, Kind R, Kind... A>
struct OverloadMaker {
  static Err Call(Scratch& scratch, const Value* args, Value* out) {
    return CallIndexed(scratch, args, out, std::index_sequence_for<decltype(A)...>{});
  }
  template <size_t... I>
  static Err CallIndexed(Scratch& scratch, const Value* args, Value* out,
                         std::index_sequence<I...>) {
    typename KindTraits<R>::Result result{};
    const Err err = ScalarCall<F, R, A...>::Run(scratch, KindTraits<A>::Load(args[I])..., &result);
    if (err == Err::kOk) *out = KindTraits<R>::Box(std::move(result));
    return err;
  }
  static NodePtr Make(int id, std::vector<NodePtr> args) {
    return std::make_unique<KernelNode<F, R, A...>>(id, std::move(args));
  }
};

template <auto F, Kind R, Kind... A>
Overload MakeOverload(FunctionId id, bool global, bool member) {
  using Maker = OverloadMaker<F, R, A...>;
  return {id, global, member, R, static_cast<int>(sizeof...(A)), {A...}, Maker::Call, Maker::Make};
}
// Operators and conversions: f(x, y).
template <auto F, Kind R, Kind... A>
Overload Global(FunctionId id) {
  return MakeOverload<F, R, A...>(id, true, false);
}
// Methods: x.f(y).
template <auto F, Kind R, Kind... A>
Overload Member(FunctionId id) {
  return MakeOverload<F, R, A...>(id, false, true);
}
template <auto F, Kind R, Kind... A>
Overload GlobalAndMember(FunctionId id) {
  return MakeOverload<F, R, A...>(id, true, true);
}

}  // namespace weir::expr
