// CEL expressions over batches (DESIGN D13; semantics: https://github.com/google/cel-spec).
//
//   auto program = CompileExpr("kind in ['failed','invalid_user'] && count >= 5", *schema, {});
//   if (!program.ok()) ...          // WEIR-6001..6004, "1:9: found no overload of ..."
//   (*program)->Filter(batch, &rows, &errors);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir {

struct ExprOptions {
  // The result must have this type; nullopt = any. A json result is checked (kBool to kTimestamp)
  // or kept (kJson) at run time.
  std::optional<TypeKind> result;
  // Static upper bound on evaluation steps for one row; above it compilation fails (kExprCost).
  int64_t max_cost = 100'000;
  size_t max_length = 64 * 1024;  // bytes of source text
  int max_depth = 64;             // nesting; never more than 250
};

// "field == constant", joined to the rest by top-level &&. The index of rules is built on these.
struct EqualityConjunct {
  int column;
  Value constant;
};

// Position in the source text, 1-based.
struct ExprError {
  int line = 1, column = 1;
  std::string message;
};

// Result of one row: a value, or an error (CEL errors are values of a kind: `x || true` is true
// even if x is an error).
struct EvalResult {
  Value value;
  std::string error;  // empty = no error
};

// Compiled against one schema; immutable and thread-compatible (Eval uses internal scratch: one
// thread at a time).
class ExprProgram {
 public:
  virtual ~ExprProgram() = default;
  virtual const std::string& text() const = 0;
  // The result's static type, or the one asked for; nullopt when it is only known at run time
  // (json, mixed lists) or no column can hold it (uint, duration).
  virtual std::optional<Type> type() const = 0;
  virtual int64_t cost() const = 0;
  virtual const std::vector<EqualityConjunct>& conjuncts() const = 0;
  // Columns that the expression reads, ascending.
  virtual const std::vector<int>& columns() const = 0;

  // For bool expressions (compile with result = kBool): appends to *pass the rows (of all, in
  // order) where the result is true. A null result counts as false; rows with an error go to
  // *failed with the first error's text in *error, and not to *pass.
  virtual void Filter(const RecordBatch& batch, std::vector<uint32_t>* pass,
                      std::vector<uint32_t>* failed, std::string* error) = 0;
  // Evaluates for the given rows, in any order; replaces *out by one result per row. Cheap for few
  // rows of a large batch.
  virtual void Eval(const RecordBatch& batch, std::span<const uint32_t> rows,
                    std::vector<EvalResult>* out) = 0;
  // For expressions with a type(): appends the result of every row to `out` (of that type). A row
  // with an error appends null and is added to *failed.
  virtual void EvalColumn(const RecordBatch& batch, Column* out, std::vector<uint32_t>* failed,
                          std::string* error) = 0;
};

// Errors: kExprSyntax, kExprType, kExprUnknownName (with the nearest known name), kExprCost. The
// message starts with "line:column: ". All type errors are found here, none at run time, except
// where a json value's type is only known then.
StatusOr<std::unique_ptr<ExprProgram>> CompileExpr(std::string_view text, const Schema& schema,
                                                   const ExprOptions& options = {});
// The same compile, giving every error found instead of the first.
std::vector<ExprError> CheckExpr(std::string_view text, const Schema& schema,
                                 const ExprOptions& options = {});

}  // namespace weir
