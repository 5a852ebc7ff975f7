// Encoded events back to rows of a batch, with their keys.
#pragma once

#include <string>
#include <vector>

#include "engine/model/key.h"
#include "engine/model/row.h"

namespace weir {

class RowDecoder {
 public:
  static StatusOr<RowDecoder> Create(const Schema& schema, const std::vector<std::string>& key,
                                     int max_parallelism) {
    RowDecoder decoder;
    WEIR_ASSIGN_OR_RETURN(decoder.key_, KeySelector::Create(schema, key));
    decoder.max_parallelism_ = max_parallelism;
    return decoder;
  }

  // Replaces the batch's content.
  Status Decode(const std::vector<const std::string*>& rows, RecordBatch* batch) {
    batch->Clear();
    for (const std::string* row : rows) WEIR_RETURN_IF_ERROR(DecodeRow(*row, batch));
    key_.Assign(batch, max_parallelism_);
    return absl::OkStatus();
  }
  Status Decode(const std::string& row, RecordBatch* batch) { return Decode({&row}, batch); }

 private:
  KeySelector key_;
  int max_parallelism_ = 0;
};

}  // namespace weir
