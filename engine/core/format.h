// Formats: bytes of a record <-> a row of a batch. Implemented in connectors/format, found by name
// in the registry.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/status.h"
#include "engine/model/record_batch.h"

namespace weir {

// One decoder per source subtask; not thread-safe.
class RecordDecoder {
 public:
  virtual ~RecordDecoder() = default;
  // Appends the visible columns of one row to `batch`, or nothing and a numbered 2xxx error. At
  // least 64 readable bytes follow `bytes` in memory. An error about one field begins with
  // "field '<path>'" and never holds values: it is the reason in the dead letter, the same at each
  // replay.
  virtual Status Decode(std::string_view bytes, RecordBatch* batch) = 0;
};

struct FormatType {
  std::string name;  // "json"
  std::string doc;
  StatusOr<std::unique_ptr<RecordDecoder>> (*create)(const SchemaPtr& schema);
};

}  // namespace weir
