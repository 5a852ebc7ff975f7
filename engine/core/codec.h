// How a C++ value becomes bytes in state, and back. Specialise Codec<T> for your own types:
//
//   template <> struct Codec<Session> {
//     static constexpr uint32_t kVersion = 1;
//     static std::string TypeName() { return "Session"; }
//     static void Encode(const Session& s, std::string* out) { ... }
//     static bool Decode(ByteReader* in, Session* s) { ... return in->ok(); }
//     static size_t HeapBytes(const Session& s) { return s.name.capacity(); }
//   };
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"

namespace weir {

template <typename T, typename Enable = void>
struct Codec;  // no codec for this type: specialise weir::Codec<T>, see engine/core/codec.h

template <typename T>
struct Codec<T, std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "int"; }
  static void Encode(const T& v, std::string* out) { PutSigned(out, static_cast<int64_t>(v)); }
  static bool Decode(ByteReader* in, T* v) {
    const int64_t wide = in->Signed();
    *v = static_cast<T>(wide);
    return in->ok() &&
           static_cast<int64_t>(*v) == wide;  // never guessed: a narrower type may not hold it
  }
  static size_t HeapBytes(const T&) { return 0; }
};

template <>
struct Codec<double> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "double"; }
  static void Encode(const double& v, std::string* out) {
    uint64_t bits;
    std::memcpy(&bits, &v, 8);
    PutFixed64(out, bits);
  }
  static bool Decode(ByteReader* in, double* v) {
    const uint64_t bits = in->Fixed64();
    std::memcpy(v, &bits, 8);
    return in->ok();
  }
  static size_t HeapBytes(const double&) { return 0; }
};

template <>
struct Codec<std::string> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "string"; }
  static void Encode(const std::string& v, std::string* out) { PutBytes(out, v); }
  static bool Decode(ByteReader* in, std::string* v) {
    *v = in->Bytes();
    return in->ok();
  }
  static size_t HeapBytes(const std::string& v) { return v.capacity() > 15 ? v.capacity() : 0; }
};

template <typename A, typename B>
struct Codec<std::pair<A, B>> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() {
    return "pair<" + Codec<A>::TypeName() + "," + Codec<B>::TypeName() + ">";
  }
  static void Encode(const std::pair<A, B>& v, std::string* out) {
    Codec<A>::Encode(v.first, out);
    Codec<B>::Encode(v.second, out);
  }
  static bool Decode(ByteReader* in, std::pair<A, B>* v) {
    return Codec<A>::Decode(in, &v->first) && Codec<B>::Decode(in, &v->second);
  }
  static size_t HeapBytes(const std::pair<A, B>& v) {
    return Codec<A>::HeapBytes(v.first) + Codec<B>::HeapBytes(v.second);
  }
};

template <typename T>
struct Codec<std::vector<T>> {
  static constexpr uint32_t kVersion = 1;
  static std::string TypeName() { return "vector<" + Codec<T>::TypeName() + ">"; }
  static void Encode(const std::vector<T>& v, std::string* out) {
    PutVarint(out, v.size());
    for (const T& item : v) Codec<T>::Encode(item, out);
  }
  static bool Decode(ByteReader* in, std::vector<T>* v) {
    const uint64_t n = in->Varint();
    if (!in->ok() || n > in->rest().size()) return false;  // every item takes at least a byte
    v->resize(n);
    for (T& item : *v) {
      if (!Codec<T>::Decode(in, &item)) return false;
    }
    return true;
  }
  static size_t HeapBytes(const std::vector<T>& v) {
    size_t bytes = v.capacity() * sizeof(T);
    for (const T& item : v) bytes += Codec<T>::HeapBytes(item);
    return bytes;
  }
};

}  // namespace weir
