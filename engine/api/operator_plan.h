// What the plan function of a typed operator is made of:
//
//   std::optional<OperatorPlan> Plan(const OperatorPlanContext& context) {
//     const auto in = BindInput<Transaction>(context, context.options->List("key"));
//     if (!in) return std::nullopt;                       // every misfit is reported
//     OperatorPlan plan;
//     plan.key = context.options->List("key");
//     plan.outputs = {OutputOf<Alert>(""), OutputOf<Alert>("late")};
//     plan.create = CreateOperator<CardBurst>(*in, context.options->Int("limit"));
//     return plan;
//   }
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/api/record_reader.h"
#include "engine/core/operator.h"
#include "engine/core/registry.h"

namespace weir {

// Binds input number `input` to T. nullopt after every misfit was added to context.errors:
// numbered, at the operator's `input` or `key`.
template <typename T>
std::optional<RecordReader<T>> BindInput(const OperatorPlanContext& context,
                                         const std::vector<std::string>& key, size_t input = 0) {
  const Schema& schema = *context.inputs.at(input).schema;
  std::vector<Status> errors;
  std::optional<RecordBinding<T>> binding = RecordBinding<T>::Create(schema, &errors);
  for (const Status& error : errors) context.errors->Add("input", error);
  KeySelector selector;
  if (!key.empty()) {
    StatusOr<KeySelector> made = KeySelector::Create(schema, key);
    if (!made.ok()) {
      context.errors->Add("key", made.status());
      return std::nullopt;
    }
    selector = *std::move(made);
  }
  if (!binding.has_value()) return std::nullopt;
  return RecordReader<T>(*std::move(binding), std::move(selector));
}

// An output of T's schema. `event_time` names the field that holds a row's event time, if one does.
template <typename T>
OperatorPlan::Output OutputOf(std::string name, std::string_view event_time = {}) {
  const SchemaPtr& schema = RecordSchema<T>();
  const int field = event_time.empty() ? -1 : schema->Find(event_time);
  WEIR_CHECK(event_time.empty() || field >= 0, "OutputOf: the record has no such field");
  return {std::move(name), schema, field};
}

// For OperatorPlan::create: makes an Op(args...) per subtask. The arguments are copied each time.
template <typename Op, typename... Args>
std::function<StatusOr<std::unique_ptr<Operator>>()> CreateOperator(Args... args) {
  constexpr bool kDerived = std::is_convertible_v<Op*, Operator*>;
  static_assert(kDerived, "weir: CreateOperator<Op>: Op must derive publicly from weir::Operator");
  static_assert(!std::is_abstract_v<Op>,
                "weir: CreateOperator<Op>: Op lacks "
                "`Status Process(int input, weir::RecordBatch batch) override`");
  static_assert(!kDerived || std::is_abstract_v<Op> || std::is_constructible_v<Op, const Args&...>,
                "weir: CreateOperator<Op>(args...): Op has no constructor for these arguments");
  return [args...]() -> StatusOr<std::unique_ptr<Operator>> {
    if constexpr (kDerived && std::is_constructible_v<Op, const Args&...>) {
      return std::unique_ptr<Operator>(std::make_unique<Op>(args...));
    } else {
      return nullptr;
    }
  };
}

}  // namespace weir
