// Random well-typed expressions and random rows, both driven by one list of choices, so that
// rapidcheck can shrink a failing case by shrinking the list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/expr/cel_type.h"
#include "engine/model/record_batch.h"

namespace weir::testing {

class Choices {
 public:
  explicit Choices(std::vector<uint32_t> list) : list_(std::move(list)) {}
  // In [0, n). An exhausted list gives 0, the simplest choice everywhere.
  uint32_t Below(uint32_t n) { return at_ < list_.size() ? list_[at_++] % n : 0; }

 private:
  std::vector<uint32_t> list_;
  size_t at_ = 0;
};

// Over the schema testing::AllTypes().
class ExpressionGenerator {
 public:
  explicit ExpressionGenerator(Choices* choices) : choices_(*choices) {}
  std::string Make(expr::Kind kind, int depth);

 private:
  std::string Bool(int depth);
  std::string Int(int depth);
  std::string Uint(int depth);
  std::string Double(int depth);
  std::string String(int depth);
  std::string Bytes(int depth);
  std::string Timestamp(int depth);
  std::string Duration(int depth);
  std::string List(int depth);  // of int
  std::string Dyn(int depth);
  std::string Compare(int depth);
  std::string Macro(const char* name, int depth);
  std::string Leaf(expr::Kind kind);
  std::string Pick(const std::vector<std::string>& of);

  Choices& choices_;
  std::vector<std::string> int_variables_;
};

RecordBatch RandomBatch(Choices* choices, size_t rows);

}  // namespace weir::testing
