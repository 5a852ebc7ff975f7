// Formats: bytes of a record <-> a row of a batch. Implemented in connectors/format, found by name
// in the registry.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/status.h"
#include "engine/core/options.h"
#include "engine/core/plan_errors.h"
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

// One encoder per sink subtask; not thread-safe.
class RecordEncoder {
 public:
  virtual ~RecordEncoder() = default;
  // Appends the bytes of row `row`: the same row gives the same bytes, every time (exactly-once
  // output rests on it). Every row of the planned schema can be written; what a format cannot hold
  // it refuses when it is planned.
  virtual void Encode(const RecordBatch& batch, size_t row, std::string* out) = 0;
};

// What planning a format for one source or sink gives; one call per subtask, from any thread.
struct FormatPlan {
  std::function<StatusOr<std::unique_ptr<RecordDecoder>>()> new_decoder;  // FormatUse::kRead
  std::function<StatusOr<std::unique_ptr<RecordEncoder>>()> new_encoder;  // FormatUse::kWrite
};

enum class FormatUse : uint8_t { kRead, kWrite };

struct FormatContext {
  FormatUse use = FormatUse::kRead;
  SchemaPtr schema;                  // of the rows; null while it is derived
  const Options* options = nullptr;  // of the format, with defaults
  bool line_files = false;           // LogType::line_files of the log
  // Reads a file named in the options, relative to the topology's folder.
  std::function<StatusOr<std::string>(const std::string& path)> read_file;
  // Paths begin at the source or sink: "schema.user", "format.protobuf.message".
  PlanErrors* errors = nullptr;
};

struct FormatType {
  std::string name;  // "json"
  std::string doc;
  // nullopt after errors were added to context.errors.
  std::function<std::optional<FormatPlan>(const FormatContext&)> plan = {};
  std::vector<OptionDef> options = {};
  // The schema of a source that gives none; nullptr after errors were added. Absent: it must.
  std::function<SchemaPtr(const FormatContext&)> derive = {};
};

}  // namespace weir
