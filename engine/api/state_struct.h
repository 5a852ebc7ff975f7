// The codec of a struct that is kept in state, from one line behind the struct, in its namespace:
//
//   struct Session {
//     int64_t count = 0;
//     std::string last_ip;  // state owns its bytes: no views
//   };
//   WEIR_STATE(Session, 1, count, last_ip);
//
// 1 is the version: raise it when the fields change. A restore from another version, or from other
// field types, is refused, never guessed. Fields are what has a codec: integers, enums, bool,
// double, std::string, std::pair, std::vector, std::optional, other structs with WEIR_STATE.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>

#include "engine/base/bytes.h"
#include "engine/base/for_each.h"
#include "engine/core/codec.h"

namespace weir {

// For every other type. The members are there so that this is the compiler's only complaint.
template <typename T, typename Enable>
struct Codec {
  static_assert(!std::is_same_v<T, T>,
                "weir: no codec for this state type; write WEIR_STATE(Type, version, fields...) "
                "behind the struct, with text as std::string, or specialise weir::Codec<Type>");
  static constexpr uint32_t kVersion = 0;
  static std::string TypeName() { return {}; }
  static void Encode(const T&, std::string*) {}
  static bool Decode(ByteReader*, T*) { return false; }
  static size_t HeapBytes(const T&) { return 0; }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "optional<" + Codec<T>::TypeName() + ">"; }
  static void Encode(const std::optional<T>& v, std::string* out) {
    out->push_back(v.has_value() ? 1 : 0);
    if (v.has_value()) Codec<T>::Encode(*v, out);
  }
  static bool Decode(ByteReader* in, std::optional<T>* v) {
    const uint8_t present = in->Byte();
    if (!in->ok() || present > 1) return false;
    if (present == 0) {
      v->reset();
      return true;
    }
    return Codec<T>::Decode(in, &v->emplace());
  }
  static size_t HeapBytes(const std::optional<T>& v) {
    return v.has_value() ? Codec<T>::HeapBytes(*v) : 0;
  }
};

namespace state_internal {
template <typename T>
concept StateStruct = requires(const T* t) {
  WeirStateFields(t);
};

// Calls fn(member pointer) for each field, in order, until one returns false.
template <typename T, typename Fn>
bool ForEachField(const Fn& fn) {
  return std::apply([&](auto... members) { return (fn(members) && ...); },
                    WeirStateFields(static_cast<const T*>(nullptr)));
}
template <typename T, typename M>
M MemberType(M T::*);
}  // namespace state_internal

// Structs with WEIR_STATE. The type's name holds the types of the fields, not their names: renaming
// a field is no change of the encoding, another type is.
template <typename T>
struct Codec<T, std::enable_if_t<state_internal::StateStruct<T>>> {
  static constexpr uint32_t kVersion = WeirStateVersion(static_cast<const T*>(nullptr));
  static std::string TypeName() {
    std::string name(WeirStateName(static_cast<const T*>(nullptr)));
    char separator = '{';
    state_internal::ForEachField<T>([&](auto member) {
      name += separator;
      name += Codec<decltype(state_internal::MemberType(member))>::TypeName();
      separator = ',';
      return true;
    });
    return name + "}";
  }
  static void Encode(const T& v, std::string* out) {
    state_internal::ForEachField<T>([&](auto member) {
      Codec<decltype(state_internal::MemberType(member))>::Encode(v.*member, out);
      return true;
    });
  }
  static bool Decode(ByteReader* in, T* v) {
    return state_internal::ForEachField<T>([&](auto member) {
      return Codec<decltype(state_internal::MemberType(member))>::Decode(in, &(v->*member));
    });
  }
  static size_t HeapBytes(const T& v) {
    size_t bytes = 0;
    state_internal::ForEachField<T>([&](auto member) {
      bytes += Codec<decltype(state_internal::MemberType(member))>::HeapBytes(v.*member);
      return true;
    });
    return bytes;
  }
};

}  // namespace weir

// Gives a struct its codec; see the top of this file. Stands in the struct's own namespace.
#define WEIR_STATE_FIELD(Type, field) &Type::field
#define WEIR_STATE(Type, version, ...)                                                  \
  [[maybe_unused]] constexpr auto WeirStateFields(const Type*) {                        \
    return std::make_tuple(WEIR_FOR_EACH(WEIR_STATE_FIELD, Type, __VA_ARGS__));         \
  }                                                                                     \
  [[maybe_unused]] constexpr uint32_t WeirStateVersion(const Type*) { return version; } \
  [[maybe_unused]] constexpr const char* WeirStateName(const Type*) { return #Type; }   \
  static_assert(version > 0,                                                            \
                "weir: WEIR_STATE(Type, version, fields...): the version begins at "    \
                "1")
