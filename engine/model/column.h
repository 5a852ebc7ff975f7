// One column of a batch in Arrow's layout: validity bitmap, fixed-width values or offsets + bytes,
// child columns for nested types (DESIGN D1).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/types.h"

namespace weir {

// Append-only while it is built, then read. Movable, not thread-safe. A null row holds a zero or
// empty value, so that kernels may read it blindly.
class Column {
 public:
  explicit Column(Type type);

  const Type& type() const { return type_; }
  TypeKind kind() const { return type_.kind; }
  size_t size() const { return size_; }
  bool has_nulls() const { return null_count_ > 0; }
  bool IsNull(size_t i) const { return null_count_ > 0 && (validity_[i >> 3] >> (i & 7) & 1) == 0; }

  // Readers; the caller knows the kind. Bool also reads as Int.
  int64_t Int(size_t i) const { return ints_[i]; }  // bool, int64, timestamp
  bool Bool(size_t i) const { return ints_[i] != 0; }
  double Double(size_t i) const { return doubles_[i]; }
  std::string_view String(size_t i) const {  // string, bytes, json
    return {data_.data() + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])};
  }
  // Row i of a list or map is [begin, end) of the child columns.
  size_t ListBegin(size_t i) const { return static_cast<size_t>(offsets_[i]); }
  size_t ListEnd(size_t i) const { return static_cast<size_t>(offsets_[i + 1]); }
  const Column& child(size_t k) const { return children_[k]; }  // struct: row-aligned
  Column& child(size_t k) { return children_[k]; }
  size_t child_count() const { return children_.size(); }
  std::span<const int64_t> ints() const { return ints_; }
  std::span<const double> doubles() const { return doubles_; }

  // Writers.
  void AppendNull();  // children of a struct get a null too
  void AppendInt(int64_t v) {
    ints_.push_back(v);
    PushValid();
  }
  void AppendBool(bool v) { AppendInt(v ? 1 : 0); }
  void AppendDouble(double v) {
    doubles_.push_back(v);
    PushValid();
  }
  void AppendString(std::string_view v) {
    CheckRoom(data_.size(), v.size());
    data_.append(v);
    offsets_.push_back(static_cast<int32_t>(data_.size()));
    PushValid();
  }
  // After the items were appended to the child columns: closes a list or map row.
  void FinishList();
  // After one row was appended to every child: closes a struct row.
  void FinishStruct();

  // Appends row i of `from` (same type).
  void AppendFrom(const Column& from, size_t i);
  // Appends rows [begin, end) of `from` (same type).
  void AppendRange(const Column& from, size_t begin, size_t end);
  // Appends the given rows of `from`, in order (same type).
  void Gather(const Column& from, std::span<const uint32_t> rows);
  // Drops all rows from `rows` on, and items of an unfinished list or struct row with them.
  void Truncate(size_t rows);
  void Clear() { Truncate(0); }  // keeps the memory
  void Reserve(size_t rows);
  // Bytes of the rows held, not of the memory kept for more.
  size_t MemoryBytes() const;

 private:
  // Offsets are 32 bits, as in Arrow: whoever builds batches cuts them by bytes long before this.
  static void CheckRoom(size_t used, size_t more) {
    WEIR_CHECK(used <= kMaxData && more <= kMaxData - used, "a column holds at most 2 GiB");
  }
  void PushValid() {
    if (!validity_.empty() && (size_ & 7) == 0) validity_.push_back(0xFF);
    ++size_;
  }
  void PushNull();
  void PushValidRows(size_t count);
  void AppendValidity(const Column& from, size_t begin, size_t end);
  void AppendValidity(const Column& from, std::span<const uint32_t> rows);
  void AppendStrings(const Column& from, size_t begin, size_t end);
  void GatherStrings(const Column& from, std::span<const uint32_t> rows);
  void GatherLists(const Column& from, std::span<const uint32_t> rows);

  static constexpr size_t kMaxData = INT32_MAX;

  Type type_;
  size_t size_ = 0;
  size_t null_count_ = 0;
  std::vector<uint8_t> validity_;  // bit i = row i is not null; empty while there was no null;
                                   // bits beyond size_ are 1
  std::vector<int64_t> ints_;      // bool (0/1), int64, timestamp
  std::vector<double> doubles_;
  std::vector<int32_t> offsets_;  // size + 1 entries: string, bytes, json, list, map
  std::string data_;
  std::vector<Column> children_;
};

}  // namespace weir
