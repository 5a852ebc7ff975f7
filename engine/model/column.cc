#include "engine/model/column.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

enum class Layout { kInts, kDoubles, kStrings, kLists, kStruct };

Layout LayoutOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
      return Layout::kInts;
    case TypeKind::kDouble:
      return Layout::kDoubles;
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kJson:
      return Layout::kStrings;
    case TypeKind::kList:
    case TypeKind::kMap:
      return Layout::kLists;
    case TypeKind::kStruct:
      return Layout::kStruct;
  }
  return Layout::kInts;
}

template <typename T>
void AppendSlice(const std::vector<T>& from, size_t begin, size_t end, std::vector<T>* to) {
  to->insert(to->end(), from.begin() + static_cast<ptrdiff_t>(begin),
             from.begin() + static_cast<ptrdiff_t>(end));
}

// resize, not reserve: it grows geometrically, so many small gathers into one column stay linear.
template <typename T>
void GatherFixed(const std::vector<T>& from, std::span<const uint32_t> rows, std::vector<T>* to) {
  const size_t old = to->size();
  to->resize(old + rows.size());
  T* out = to->data() + old;
  for (const uint32_t row : rows) *out++ = from[row];
}

size_t BytesFor(size_t bits) { return (bits + 7) / 8; }

// Calls f(begin, end) for every maximal run of consecutive row numbers.
template <typename F>
void ForEachRun(std::span<const uint32_t> rows, F f) {
  for (size_t k = 0; k < rows.size();) {
    const size_t begin = rows[k];
    size_t end = begin + 1;
    for (++k; k < rows.size() && rows[k] == end; ++k) ++end;
    f(begin, end);
  }
}

}  // namespace

Column::Column(Type type) : type_(std::move(type)) {
  const Layout layout = LayoutOf(type_.kind);
  if (layout == Layout::kStrings || layout == Layout::kLists) offsets_.push_back(0);
  children_.reserve(type_.children.size());
  for (const Field& field : type_.children) children_.emplace_back(field.type);
}

void Column::PushNull() {
  if (validity_.empty()) validity_.assign(BytesFor(size_), 0xFF);
  if ((size_ & 7) == 0) validity_.push_back(0xFF);
  validity_[size_ / 8] &= static_cast<uint8_t>(~(1u << (size_ & 7)));
  ++size_;
  ++null_count_;
}

void Column::PushValidRows(size_t count) {
  size_ += count;
  if (!validity_.empty()) validity_.resize(BytesFor(size_), 0xFF);
}

void Column::AppendNull() {
  switch (LayoutOf(type_.kind)) {
    case Layout::kInts:
      ints_.push_back(0);
      break;
    case Layout::kDoubles:
      doubles_.push_back(0);
      break;
    case Layout::kStrings:
    case Layout::kLists:
      offsets_.push_back(offsets_.back());
      break;
    case Layout::kStruct:
      for (Column& child : children_) child.AppendNull();
      break;
  }
  PushNull();
}

void Column::FinishList() {
  const size_t items = children_[0].size();
  CheckRoom(items, 0);
  for (const Column& child : children_) WEIR_CHECK(child.size() == items);
  offsets_.push_back(static_cast<int32_t>(items));
  PushValid();
}

void Column::FinishStruct() {
  for (const Column& child : children_) WEIR_CHECK(child.size() == size_ + 1);
  PushValid();
}

void Column::AppendFrom(const Column& from, size_t i) {
  const Layout layout = LayoutOf(type_.kind);
  if (layout == Layout::kLists || layout == Layout::kStruct) return AppendRange(from, i, i + 1);
  if (from.IsNull(i)) return AppendNull();
  if (layout == Layout::kInts) return AppendInt(from.Int(i));
  if (layout == Layout::kDoubles) return AppendDouble(from.Double(i));
  AppendString(from.String(i));
}

void Column::AppendRange(const Column& from, size_t begin, size_t end) {
  WEIR_CHECK(from.kind() == kind() && &from != this && begin <= end && end <= from.size());
  switch (LayoutOf(type_.kind)) {
    case Layout::kInts:
      AppendSlice(from.ints_, begin, end, &ints_);
      break;
    case Layout::kDoubles:
      AppendSlice(from.doubles_, begin, end, &doubles_);
      break;
    case Layout::kStrings:
      AppendStrings(from, begin, end);
      break;
    case Layout::kLists: {
      const size_t first = from.ListBegin(begin);
      const size_t shift = children_[0].size() - first;
      CheckRoom(children_[0].size(), from.ListBegin(end) - first);
      for (size_t k = 0; k < children_.size(); ++k) {
        children_[k].AppendRange(from.children_[k], first, from.ListBegin(end));
      }
      for (size_t i = begin; i < end; ++i) {
        offsets_.push_back(static_cast<int32_t>(from.ListEnd(i) + shift));
      }
      break;
    }
    case Layout::kStruct:
      for (size_t k = 0; k < children_.size(); ++k) {
        children_[k].AppendRange(from.children_[k], begin, end);
      }
      break;
  }
  AppendValidity(from, begin, end);
}

void Column::AppendStrings(const Column& from, size_t begin, size_t end) {
  const size_t first = from.ListBegin(begin);
  const size_t bytes = from.ListBegin(end) - first;
  CheckRoom(data_.size(), bytes);
  const size_t shift = data_.size() - first;  // modulo 2^64, undone by the addition below
  data_.append(from.data_, first, bytes);
  for (size_t i = begin; i < end; ++i) {
    offsets_.push_back(static_cast<int32_t>(from.ListEnd(i) + shift));
  }
}

void Column::Gather(const Column& from, std::span<const uint32_t> rows) {
  WEIR_CHECK(from.kind() == kind() && &from != this);
  switch (LayoutOf(type_.kind)) {
    case Layout::kInts:
      GatherFixed(from.ints_, rows, &ints_);
      break;
    case Layout::kDoubles:
      GatherFixed(from.doubles_, rows, &doubles_);
      break;
    case Layout::kStrings:
      GatherStrings(from, rows);
      break;
    case Layout::kLists:
      GatherLists(from, rows);
      break;
    case Layout::kStruct:
      for (size_t k = 0; k < children_.size(); ++k) {
        children_[k].Gather(from.children_[k], rows);
      }
      break;
  }
  AppendValidity(from, rows);
}

void Column::GatherStrings(const Column& from, std::span<const uint32_t> rows) {
  size_t end = data_.size();
  const size_t old_rows = offsets_.size();
  offsets_.resize(old_rows + rows.size());
  int32_t* offset = offsets_.data() + old_rows;
  for (const uint32_t row : rows) {
    end += from.ListEnd(row) - from.ListBegin(row);
    *offset++ = static_cast<int32_t>(end);
  }
  CheckRoom(0, end);
  size_t at = data_.size();
  data_.resize(end);
  ForEachRun(rows, [&](size_t first, size_t last) {
    const size_t begin = from.ListBegin(first);
    const size_t bytes = from.ListBegin(last) - begin;
    std::copy_n(from.data_.data() + begin, bytes, data_.data() + at);
    at += bytes;
  });
}

void Column::GatherLists(const Column& from, std::span<const uint32_t> rows) {
  size_t items = children_[0].size();
  for (const uint32_t row : rows) {
    items += from.ListEnd(row) - from.ListBegin(row);
    CheckRoom(items, 0);
    offsets_.push_back(static_cast<int32_t>(items));
  }
  ForEachRun(rows, [&](size_t first, size_t last) {
    for (size_t k = 0; k < children_.size(); ++k) {
      children_[k].AppendRange(from.children_[k], from.ListBegin(first), from.ListBegin(last));
    }
  });
}

void Column::AppendValidity(const Column& from, size_t begin, size_t end) {
  if (!from.has_nulls()) return PushValidRows(end - begin);
  for (size_t i = begin; i < end; ++i) from.IsNull(i) ? PushNull() : PushValid();
}

void Column::AppendValidity(const Column& from, std::span<const uint32_t> rows) {
  if (!from.has_nulls()) return PushValidRows(rows.size());
  for (const uint32_t row : rows) from.IsNull(row) ? PushNull() : PushValid();
}

void Column::Truncate(size_t rows) {
  WEIR_CHECK(rows <= size_);
  switch (LayoutOf(type_.kind)) {
    case Layout::kInts:
      ints_.resize(rows);
      break;
    case Layout::kDoubles:
      doubles_.resize(rows);
      break;
    case Layout::kStrings:
      offsets_.resize(rows + 1);
      data_.resize(static_cast<size_t>(offsets_.back()));
      break;
    case Layout::kLists:
      offsets_.resize(rows + 1);
      for (Column& child : children_) child.Truncate(static_cast<size_t>(offsets_.back()));
      break;
    case Layout::kStruct:
      for (Column& child : children_) child.Truncate(std::min(rows, child.size()));
      break;
  }
  for (size_t i = rows; i < size_ && null_count_ > 0; ++i) {
    if (IsNull(i)) --null_count_;
  }
  size_ = rows;
  if (null_count_ == 0) {
    validity_.clear();
  } else {
    validity_.resize(BytesFor(rows));
    if ((rows & 7) != 0) validity_.back() |= static_cast<uint8_t>(0xFFu << (rows & 7));
  }
}

void Column::Reserve(size_t rows) {
  switch (LayoutOf(type_.kind)) {
    case Layout::kInts:
      ints_.reserve(rows);
      break;
    case Layout::kDoubles:
      doubles_.reserve(rows);
      break;
    case Layout::kStrings:
    case Layout::kLists:
      offsets_.reserve(rows + 1);
      break;
    case Layout::kStruct:
      for (Column& child : children_) child.Reserve(rows);
      break;
  }
}

size_t Column::MemoryBytes() const {
  size_t bytes = validity_.size() + ints_.size() * sizeof(int64_t) +
                 doubles_.size() * sizeof(double) + offsets_.size() * sizeof(int32_t) +
                 data_.size();
  for (const Column& child : children_) bytes += child.MemoryBytes();
  return bytes;
}

}  // namespace weir
