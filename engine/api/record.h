// A struct bound to a schema (DESIGN D1). Behind the struct, in its namespace:
//
//   struct Transaction {
//     int64_t id;
//     std::string_view card;                // a view into the batch, no copy
//     double amount;
//     std::optional<std::string_view> city; // the schema's type ends with '?'
//     weir::Timestamp at;
//   };
//   WEIR_RECORD(Transaction, id, card, amount, city, at);
//
// A member is bound to the column of its name; columns that the struct does not name are ignored.
//
//   schema          member
//   bool            bool
//   int64           int64_t
//   double          double
//   string          std::string_view, or std::string for a copy
//   timestamp_ms    weir::Timestamp
//   bytes           weir::Bytes
//   json            weir::Json
//   any of them, ?  std::optional of it
//
// Lists, maps and structs have no member type: read them from batch.column(i). Reading rows:
// record_reader.h. Writing them: record_writer.h.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/for_each.h"
#include "engine/base/status.h"
#include "engine/model/record_batch.h"
#include "engine/model/types.h"

namespace weir {

// Milliseconds since 1970-01-01 UTC.
struct Timestamp {
  int64_t ms = 0;
  auto operator<=>(const Timestamp&) const = default;
};
struct Bytes {
  std::string_view data;
  bool operator==(const Bytes&) const = default;
};
// JSON text of any value but null.
struct Json {
  std::string_view text;
  bool operator==(const Json&) const = default;
};

namespace record_internal {

template <typename T>
inline constexpr bool kNever = false;

// How a member of type M is read and written; kSupported tells whether it can be.
template <typename M>
struct Member {
  static constexpr bool kSupported = false;
};

template <TypeKind kKindOf>
struct Supported {
  static constexpr bool kSupported = true;
  static constexpr bool kNullable = false;
  static constexpr TypeKind kKind = kKindOf;
};
template <>
struct Member<bool> : Supported<TypeKind::kBool> {
  static bool Read(const Column& c, size_t i) { return c.Bool(i); }
  static void Append(bool v, Column* c) { c->AppendBool(v); }
};
template <>
struct Member<int64_t> : Supported<TypeKind::kInt64> {
  static int64_t Read(const Column& c, size_t i) { return c.Int(i); }
  static void Append(int64_t v, Column* c) { c->AppendInt(v); }
};
template <>
struct Member<double> : Supported<TypeKind::kDouble> {
  static double Read(const Column& c, size_t i) { return c.Double(i); }
  static void Append(double v, Column* c) { c->AppendDouble(v); }
};
template <>
struct Member<std::string_view> : Supported<TypeKind::kString> {
  static std::string_view Read(const Column& c, size_t i) { return c.String(i); }
  static void Append(std::string_view v, Column* c) { c->AppendString(v); }
};
template <>
struct Member<std::string> : Supported<TypeKind::kString> {
  static std::string Read(const Column& c, size_t i) { return std::string(c.String(i)); }
  static void Append(std::string_view v, Column* c) { c->AppendString(v); }
};
template <>
struct Member<Timestamp> : Supported<TypeKind::kTimestamp> {
  static Timestamp Read(const Column& c, size_t i) { return {c.Int(i)}; }
  static void Append(Timestamp v, Column* c) { c->AppendInt(v.ms); }
};
template <>
struct Member<Bytes> : Supported<TypeKind::kBytes> {
  static Bytes Read(const Column& c, size_t i) { return {c.String(i)}; }
  static void Append(Bytes v, Column* c) { c->AppendString(v.data); }
};
template <>
struct Member<Json> : Supported<TypeKind::kJson> {
  static Json Read(const Column& c, size_t i) { return {c.String(i)}; }
  static void Append(Json v, Column* c) { c->AppendString(v.text); }
};
template <typename M>
requires(Member<M>::kSupported) struct Member<std::optional<M>> : Member<M> {
  static constexpr bool kSupported = !Member<M>::kNullable;
  static constexpr bool kNullable = true;
  static std::optional<M> Read(const Column& c, size_t i) {
    if (c.IsNull(i)) return std::nullopt;
    return Member<M>::Read(c, i);
  }
  static void Append(const std::optional<M>& v, Column* c) {
    if (v.has_value()) {
      Member<M>::Append(*v, c);
    } else {
      c->AppendNull();
    }
  }
};

// One entry of WEIR_RECORD.
template <typename T, typename M>
struct RecordField {
  using Type = M;
  const char* name;
  M T::*member;
};
template <typename T, typename M>
constexpr RecordField<T, M> MakeField(const char* name, M T::*member) {
  static_assert(Member<M>::kSupported,
                "weir: unsupported field type in WEIR_RECORD; use bool, int64_t, double, "
                "std::string_view, std::string, weir::Timestamp, weir::Bytes, weir::Json, or "
                "std::optional of one of them (engine/api/record.h)");
  return {name, member};
}

template <typename T>
concept HasFields = requires(const T* t) {
  WeirRecordFields(t);
};

template <typename T>
constexpr auto Fields() {
  static_assert(HasFields<T>,
                "weir: this struct is not bound to a schema; write WEIR_RECORD(Type, fields...) "
                "behind it, in its own namespace (engine/api/record.h)");
  if constexpr (HasFields<T>) {
    return WeirRecordFields(static_cast<const T*>(nullptr));
  } else {
    return std::tuple<>();
  }
}
template <typename T>
inline constexpr size_t kFieldCount = std::tuple_size_v<decltype(Fields<T>())>;

// Calls fn(field, index) for each field.
template <typename T, typename Fn>
void ForEachField(const Fn& fn) {
  std::apply(
      [&](const auto&... field) {
        size_t i = 0;
        (fn(field, i++), ...);
      },
      Fields<T>());
}

// A field as the binding sees it.
struct FieldSpec {
  const char* name;
  TypeKind kind;
  bool nullable;
};
template <typename T>
std::vector<FieldSpec> Specs() {
  std::vector<FieldSpec> specs;
  ForEachField<T>([&](const auto& field, size_t) {
    using M = Member<typename std::decay_t<decltype(field)>::Type>;
    specs.push_back({field.name, M::kKind, M::kNullable});
  });
  return specs;
}

// Finds the column of each field. Every problem is one status (kPlanSchema); none = all are bound.
std::vector<Status> Bind(std::string_view record, std::span<const FieldSpec> fields,
                         const Schema& schema, int* columns);
SchemaPtr MakeSchemaOf(std::span<const FieldSpec> fields);

template <typename T>
std::string_view RecordName() {
  return WeirRecordName(static_cast<const T*>(nullptr));
}

}  // namespace record_internal

// The schema that T's fields make, in their order. One object for all calls.
template <typename T>
const SchemaPtr& RecordSchema() {
  static const SchemaPtr schema = record_internal::MakeSchemaOf(record_internal::Specs<T>());
  return schema;
}

// Which column each field of T is read from. Copyable; made once, at plan time.
template <typename T>
class RecordBinding {
 public:
  // Every field that does not fit is one numbered error in *errors: kPlanSchema for one that the
  // schema lacks, that has another type there, or that may be null there but not in T.
  static std::optional<RecordBinding> Create(const Schema& schema, std::vector<Status>* errors) {
    RecordBinding binding;
    *errors = record_internal::Bind(record_internal::RecordName<T>(), record_internal::Specs<T>(),
                                    schema, binding.columns_.data());
    if (!errors->empty()) return std::nullopt;
    return binding;
  }
  static StatusOr<RecordBinding> Create(const Schema& schema) {
    std::vector<Status> errors;
    std::optional<RecordBinding> binding = Create(schema, &errors);
    if (!binding.has_value()) return errors.front();
    return *std::move(binding);
  }

  // Views in *out live as long as the batch.
  void Read(const RecordBatch& batch, size_t row, T* out) const {
    record_internal::ForEachField<T>([&](const auto& field, size_t i) {
      using M = record_internal::Member<typename std::decay_t<decltype(field)>::Type>;
      out->*field.member = M::Read(batch.column(columns_[i]), row);
    });
  }
  // Appends T's columns of one row; what else the schema has is the caller's to append.
  void Append(const T& record, RecordBatch* batch) const {
    record_internal::ForEachField<T>([&](const auto& field, size_t i) {
      using M = record_internal::Member<typename std::decay_t<decltype(field)>::Type>;
      M::Append(record.*field.member, &batch->column(columns_[i]));
    });
  }

 private:
  std::array<int, record_internal::kFieldCount<T>> columns_{};
};

}  // namespace weir

#define WEIR_RECORD_FIELD(Type, field) \
  ::weir::record_internal::MakeField<Type>(#field, &Type::field)
#define WEIR_RECORD(Type, ...)                                                         \
  [[maybe_unused]] constexpr auto WeirRecordFields(const Type*) {                      \
    return std::make_tuple(WEIR_FOR_EACH(WEIR_RECORD_FIELD, Type, __VA_ARGS__));       \
  }                                                                                    \
  [[maybe_unused]] constexpr const char* WeirRecordName(const Type*) { return #Type; } \
  static_assert(true)
