// What makes two events look alike: the values of the signature fields (DESIGN, "A decision").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/model/key.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir {

// Reads signatures off batches of one schema. One thread at a time.
class Signature {
 public:
  // kPlanKey or kPlanSchema for fields that cannot be part of a signature.
  static StatusOr<Signature> Create(const Schema& schema, const std::vector<std::string>& fields);

  const std::vector<std::string>& fields() const { return fields_; }
  const std::vector<int>& columns() const { return selector_.columns(); }

  // Canonical bytes of every row; views live until the batch changes or the next call. The view of
  // a row with a null in its signature has no data pointer: it matches nothing.
  void Select(const RecordBatch& batch, std::vector<std::string_view>* out);
  static bool Matchable(std::string_view signature) { return signature.data() != nullptr; }

  // The same bytes from values in the order of the fields; kRecordWrongType if one is null or has
  // not exactly the type of its field.
  StatusOr<std::string> Encode(const std::vector<Value>& values);
  // `src_ip="1.2.3.4", port=22`: for people and logs.
  std::string Text(const RecordBatch& batch, size_t row) const;
  // The CEL predicate that is true exactly for this row's signature: `src_ip == "1.2.3.4"`.
  std::string Predicate(const RecordBatch& batch, size_t row) const;

 private:
  std::vector<std::string> fields_;
  KeySelector selector_;
  SchemaPtr narrow_;  // of the signature fields alone
  KeySelector narrow_selector_;
};

// `name == constant` as CEL text, the constant written so that it has the column's type.
std::string EqualityText(std::string_view name, const Value& constant);

}  // namespace weir
