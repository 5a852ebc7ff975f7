// One row as contiguous bytes with its schema id, for state, joins, the async queue and dead
// letters (DESIGN D1). Hidden columns (event time, origin, emit) are part of it; the key is derived
// again.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

// Appends the encoding of row i to *out.
void EncodeRow(const RecordBatch& batch, size_t i, std::string* out);
// Appends the row to `batch`; kStateIncompatible if it was encoded with another schema,
// kStateCorrupt if the bytes are malformed. On error the batch is unchanged.
Status DecodeRow(std::string_view bytes, RecordBatch* batch);

}  // namespace weir
