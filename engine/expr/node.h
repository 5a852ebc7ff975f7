// Vector nodes: a compiled expression is a tree of them. A node evaluates a selection of a batch's
// rows into arrays that are indexed by row, so that parents and children that look at different
// selections need no gather.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/expr/cel_type.h"
#include "engine/expr/state.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir::expr {

// Rows to evaluate. Dense = rows 0 .. count - 1.
struct Selection {
  const uint32_t* rows = nullptr;
  size_t count = 0;
  bool dense = false;

  static Selection All(size_t count) { return {nullptr, count, true}; }
  static Selection Of(std::span<const uint32_t> rows) { return {rows.data(), rows.size(), false}; }
  template <typename F>
  void ForEach(F f) const {
    if (dense) {
      for (size_t r = 0; r < count; ++r) f(static_cast<uint32_t>(r));
    } else {
      for (size_t i = 0; i < count; ++i) f(rows[i]);
    }
  }
};

// Results of a node, valid until it is evaluated again. Exactly one of the arrays is set, by kind.
struct Vec {
  const State* state = nullptr;   // null: every row has a value
  const int64_t* ints = nullptr;  // bool (0/1), int, uint, timestamp, duration
  const double* doubles = nullptr;
  const std::string_view* strings = nullptr;
  const Column* text = nullptr;   // string and bytes columns are read in place
  const Value* values = nullptr;  // all other kinds; null rows have state kStateNull
  uint32_t mask = ~0u;            // 0: a constant, every row reads entry 0

  State StateAt(uint32_t r) const { return state == nullptr ? kStateOk : state[r & mask]; }
  bool constant() const { return mask == 0; }
};

struct Context {
  const RecordBatch* batch = nullptr;
  // Set when a few rows of a large batch were copied out: numbers and copies of the columns read.
  const std::vector<int>* numbers = nullptr;
  const std::vector<Column>* copies = nullptr;
  size_t rows = 0;     // arrays hold at least this many entries
  uint64_t epoch = 0;  // changes with every evaluation
  Scratch scratch;

  const Column& column(int i) const {
    if (copies == nullptr) return batch->column(i);
    size_t at = 0;
    while ((*numbers)[at] != i) ++at;
    return (*copies)[at];
  }
};

class Node {
 public:
  Node(Kind kind, int id) : kind_(kind), id_(id) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual const Vec& Eval(Context& ctx, const Selection& rows) = 0;
  Kind kind() const { return kind_; }
  bool typed() const { return IsTyped(kind_); }

 protected:
  State Error(Err error) const { return ErrorState(error, id_); }

  const Kind kind_;
  const int id_;
  Vec out_;
};
using NodePtr = std::unique_ptr<Node>;

// Arrays that a node owns; they grow to the largest batch and stay.
class Buffer {
 public:
  std::vector<State> state;
  std::vector<int64_t> ints;
  std::vector<double> doubles;
  std::vector<std::string_view> strings;
  std::vector<Value> values;

  // Makes room and points `vec` at the array for `kind` and, if wanted, at the states.
  void Prepare(Kind kind, size_t rows, bool with_state, Vec* vec);
};

// One row as a Value.
Value BoxRow(Kind kind, const Vec& vec, uint32_t r);
// Writes a value that must have the buffer's kind; false if it has another one. Typed strings are
// views into `value`, which must outlive them. Null gives kStateNull.
bool UnboxRow(Kind kind, const Value& value, uint32_t r, Buffer* buffer);

}  // namespace weir::expr
