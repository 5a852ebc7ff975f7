// Rows of a batch as structs: zero-copy, one at a time (DESIGN D1).
//
//   for (const auto& row : View<Transaction>(batch)) total += row->amount;
//
// In an operator, with the binding made at plan time and each row's key:
//
//   for (const auto& row : reader_.Rows(batch)) count_.Mutable(row.key()) += 1;
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/api/record.h"
#include "engine/core/state_backend.h"
#include "engine/model/key.h"

namespace weir {

// One row: `row->field` for its fields, the rest by name. Valid until the iterator moves on.
template <typename T>
class Row {
 public:
  const T* operator->() const { return &record_; }
  const T& operator*() const { return record_; }
  size_t index() const { return index_; }
  const RecordBatch& batch() const { return *batch_; }
  int64_t event_time() const { return batch_->event_time[index_]; }  // kNoTimestamp if none
  // The row's key, for state and timers. Only of rows from a RecordReader with a key.
  KeyRef key() const {
    WEIR_CHECK(keys_ != nullptr, "row.key(): the reader was made without a key");
    return {batch_->key_group[index_], batch_->key_hash[index_], (*keys_)[index_]};
  }

 private:
  template <typename>
  friend class View;
  T record_{};
  size_t index_ = 0;
  const RecordBatch* batch_ = nullptr;
  const std::vector<std::string_view>* keys_ = nullptr;
};

// The rows of one batch, which must outlive the view. Each row is read when the loop reaches it.
template <typename T>
class View {
 public:
  // Binds by name. A schema that does not fit is a bug here: plan time is where it is an error.
  explicit View(const RecordBatch& batch) : View(MustBind(batch), batch) {}
  View(const RecordBinding<T>& binding, const RecordBatch& batch,
       const std::vector<std::string_view>* keys = nullptr)
      : binding_(binding), batch_(&batch), keys_(keys) {}

  class Iterator {
   public:
    using value_type = Row<T>;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const Row<T>*;
    using reference = const Row<T>&;
    Iterator(const View* view, size_t at) : view_(view) {
      row_.batch_ = view->batch_;
      row_.keys_ = view->keys_;
      row_.index_ = at;
      Load();
    }
    const Row<T>& operator*() const { return row_; }
    const Row<T>* operator->() const { return &row_; }
    Iterator& operator++() {
      ++row_.index_;
      Load();
      return *this;
    }
    bool operator==(const Iterator& other) const { return row_.index_ == other.row_.index_; }

   private:
    void Load() {
      if (row_.index_ < view_->batch_->rows()) {
        view_->binding_.Read(*view_->batch_, row_.index_, &row_.record_);
      }
    }
    const View* view_;
    Row<T> row_;
  };
  Iterator begin() const { return Iterator(this, 0); }
  Iterator end() const { return Iterator(this, batch_->rows()); }
  size_t size() const { return batch_->rows(); }

 private:
  static RecordBinding<T> MustBind(const RecordBatch& batch) {
    auto binding = RecordBinding<T>::Create(*batch.schema());
    WEIR_CHECK(binding.ok(), FormatError(binding.status()));
    return *std::move(binding);
  }
  RecordBinding<T> binding_;
  const RecordBatch* batch_;
  const std::vector<std::string_view>* keys_;
};

// Reads one input of an operator. Copyable: every subtask has its own. Not thread-safe.
template <typename T>
class RecordReader {
 public:
  // `key` = the fields that the operator is keyed by; empty if it is not.
  RecordReader(RecordBinding<T> binding, KeySelector key)
      : binding_(std::move(binding)), selector_(std::move(key)) {}

  // The batch's rows. Valid until the next call; a temporary batch would be gone too early.
  View<T> Rows(const RecordBatch& batch) {
    if (selector_.columns().empty()) return View<T>(binding_, batch);
    WEIR_CHECK(batch.key_group.size() == batch.rows(),
               "the reader has a key and the rows have none: the plan must set plan.key");
    selector_.Select(batch, &keys_);
    return View<T>(binding_, batch, &keys_);
  }
  View<T> Rows(RecordBatch&& batch) = delete;

  // Tells a state which keys this batch will ask for, before the loop: their cache misses, or their
  // reads from a store, then overlap. After Rows of the same batch.
  template <typename State>
  void Prefetch(const RecordBatch& batch, State* state) {
    WEIR_CHECK(keys_.size() == batch.rows(), "Prefetch stands behind Rows of the same batch");
    state_keys_.clear();
    for (size_t i = 0; i < keys_.size(); ++i) {
      state_keys_.push_back({batch.key_group[i], batch.key_hash[i], keys_[i], {}});
    }
    state->table()->Prefetch(state_keys_);
  }

 private:
  RecordBinding<T> binding_;
  KeySelector selector_;
  std::vector<std::string_view> keys_;
  std::vector<StateKey> state_keys_;
};

}  // namespace weir
